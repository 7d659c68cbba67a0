"""How a service proves its real work before its former files are forgotten: programs that run on the host."""
