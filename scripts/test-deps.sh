#!/usr/bin/env bash
# Installs what the tests need where it is missing: PostgreSQL with its client and pgbench; OpenSSH, tmux and vim; the drivers whose programs run
# through hoop: psycopg 2 and 3, SQLAlchemy, Django, node-postgres (into .cache/node), pgjdbc; rsync, git, ansible and paramiko; etcd, and what
# scripts/kube.sh brings; curl, chromium and prometheus.
set -euo pipefail
cd "$(dirname "$0")/.."
have() { command -v "$1" >/dev/null 2>&1; }
server() { have initdb && have postgres || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
python() { have python3 && /usr/bin/python3 -c 'import psycopg, psycopg2, sqlalchemy, django' >/dev/null 2>&1; }
jdbc() { have javac && [ -f /usr/share/java/postgresql.jar ]; }
sshd() { [ -x /usr/sbin/sshd ] && have ssh; }
tools() { have rsync && have tmux && have vim && have git && have ansible-playbook && /usr/bin/python3 -c 'import paramiko' >/dev/null 2>&1; }
kube() { have etcd; }
web() { have curl && have chromium && have chromedriver && have prometheus; }
npm_and_node() { have node && have npm; }

modules() {
  node_modules=(pg@8.23.1 pg-cursor@2.22.1 pg-copy-streams@7.0.0)
  if [ "$(cat .cache/node/installed 2>/dev/null)" = "${node_modules[*]}" ]; then return; fi
  mkdir -p .cache/node
  npm install --prefix .cache/node --no-audit --no-fund --no-save --ignore-scripts --silent "${node_modules[@]}"
  echo "${node_modules[*]}" >.cache/node/installed
}

if server && sshd && tools && web && kube && have psql && have pgbench && python && jdbc && npm_and_node; then
  modules
  scripts/kube.sh
  exit 0
fi
if have apt-get; then
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq >/dev/null
  packages=(postgresql postgresql-client python3 python3-psycopg python3-psycopg2 python3-sqlalchemy python3-django libpostgresql-jdbc-java openssh-server openssh-client openssh-sftp-server tmux vim rsync git ansible-core python3-paramiko etcd-server)
  have javac || packages+=(default-jdk-headless)
  have node || packages+=(nodejs)
  have npm || packages+=(npm)
  have curl || packages+=(curl)
  have chromium && have chromedriver || packages+=(chromium chromium-driver)
  have prometheus || packages+=(prometheus)
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  modules
  scripts/kube.sh
elif have brew; then # written for macOS with Homebrew, and untried
  brew install postgresql@15
else
  echo "error: PostgreSQL (initdb, postgres, psql, pgbench), Python with psycopg, psycopg2, sqlalchemy and django, a JDK with pgjdbc, node and npm are needed" >&2
  echo "hint: install them with this system's packages and run make test again" >&2
  exit 1
fi
