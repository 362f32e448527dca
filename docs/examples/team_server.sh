#!/bin/sh
# An MLflow server for a team: users with passwords, artifacts through the server.
#
#   TEAM_FOLDER   the server's files: store, users, artifacts (default: ./team)
#   TEAM_STORE    where runs are kept: an SQLAlchemy address (default: SQLite in the folder)
#   TEAM_PORT     on 127.0.0.1 (default: 5000)
#   TEAM_HOSTS    more names by which the server may be called, such as mlflow.example.org
#   TEAM_WORKERS  processes that answer (default: 2)
#   PYTHON        the interpreter with '.[team]' (default: python)
#
# The first start needs the administrator's password in MLFLOW_AUTH_ADMIN_PASSWORD. No password
# is an argument of a program: `ps` would show it to everybody.
set -eu
umask 077 # only this user can read what the server writes

folder=${TEAM_FOLDER:-$PWD/team}
python=${PYTHON:-python}
port=${TEAM_PORT:-5000}
if [ ! -e "$folder/users.db" ] && [ -z "${MLFLOW_AUTH_ADMIN_PASSWORD:-}" ]; then
    echo "MLFLOW_AUTH_ADMIN_PASSWORD: expected a password at the first start, received none" >&2
    exit 2
fi
if ! "$python" -c "import flask_wtf" 2>/dev/null; then
    echo "PYTHON: expected one with Flask-WTF, received $python without; pip install '.[team]'" >&2
    exit 2
fi
mkdir -p "$folder"
if [ ! -e "$folder/secret_key" ]; then # signs the sessions of browsers
    "$python" -c "import secrets; print(secrets.token_hex(32))" > "$folder/secret_key.new"
    mv "$folder/secret_key.new" "$folder/secret_key"
fi
cat > "$folder/auth.ini" <<END
[mlflow]
default_permission = EDIT
database_uri = sqlite:///$folder/users.db
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
END

MLFLOW_FLASK_SERVER_SECRET_KEY=$(cat "$folder/secret_key")
export MLFLOW_FLASK_SERVER_SECRET_KEY
export MLFLOW_AUTH_CONFIG_PATH="$folder/auth.ini"
export MLFLOW_BACKEND_STORE_URI="${TEAM_STORE:-sqlite:///$folder/mlflow.db}"
export MLFLOW_SERVER_ALLOWED_HOSTS="127.0.0.1:$port,localhost:$port${TEAM_HOSTS:+,$TEAM_HOSTS}"
export MLFLOW_DISABLE_TELEMETRY=true
# MLflow's jobs judge answers of language models: eight more processes, which tracking does not need.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=${MLFLOW_SERVER_ENABLE_JOB_EXECUTION:-false}
cd "$folder"
exec "$python" -m mlflow server --app-name basic-auth --host 127.0.0.1 --port "$port" \
    --workers "${TEAM_WORKERS:-2}" --serve-artifacts --artifacts-destination "$folder/artifacts"
