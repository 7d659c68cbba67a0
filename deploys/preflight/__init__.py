"""Look before anything changes."""

from deploys.preflight.deploy import deploy_preflight

__all__ = ["deploy_preflight"]
