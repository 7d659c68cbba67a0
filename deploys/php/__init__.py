"""What the programs in PHP share: pools of processes, who may have how many of them, and how PHP is asked."""
