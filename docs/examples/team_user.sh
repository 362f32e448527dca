#!/bin/sh
# Adds a user to a team's server, or gives one a new password: sh team_user.sh NAME
#
# The environment has the address (MLFLOW_TRACKING_URI), the administrator
# (MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD) and the password of the user
# (TEAM_USER_PASSWORD).
set -eu
exec "${PYTHON:-python}" - "$@" <<'END'
import os
import sys

from mlflow.exceptions import MlflowException
from mlflow.server import get_app_client

if len(sys.argv) != 2 or not os.environ.get("TEAM_USER_PASSWORD"):
    sys.exit("team_user.sh: expected one name, and a password in TEAM_USER_PASSWORD, received others")
client = get_app_client("basic-auth", os.environ["MLFLOW_TRACKING_URI"])
name, password = sys.argv[1], os.environ["TEAM_USER_PASSWORD"]
try:
    client.create_user(name, password)
except MlflowException as error:
    if error.error_code != "RESOURCE_ALREADY_EXISTS":
        sys.exit(f"team_user.sh: {str(error).splitlines()[0]}")
    client.update_user_password(name, password)
    print(f"{name} has a new password")
else:
    print(f"{name} added")
END
