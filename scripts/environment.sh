# Sourced by the other scripts: makes the virtual environment .venv when it is missing
# or older than pyproject.toml, and puts it first on the path.
#
#   source scripts/environment.sh EXTRAS "$@"   for example: tensorflow,tflm,plot
#
# Where there is none yet, --help is the script's first comment, with nothing set up.
# PYTHON names the interpreter to start from (default: python3.11, else python3).

environment_extras="$1"
environment_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

help_without_environment() {
  local argument
  [ -x "$environment_root/.venv/bin/python" ] && return
  for argument in "$@"; do
    case "$argument" in
      --help | -h)
        sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' \
          "$environment_root/scripts/$(basename "$0")"
        exit 0
        ;;
    esac
  done
}

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

need() {
  command -v "$1" >/dev/null || {
    echo "Error: expected $1 on this machine. Received: no such command." >&2
    echo "  $2" >&2
    exit 1
  }
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      echo "$candidate"
      return
    fi
  done
  echo "Error: expected Python 3.11 or newer. Received: none on the path." >&2
  echo "  Install it, or name it: PYTHON=/path/to/python3.11 $0" >&2
  exit 1
}

# Whether to install what .ci has pinned, with hashes: in CI, on the platform of its
# lock (scripts/lock).
locked() {
  [ "${CI:-}" = true ] && [ "$(uname -sm)" = "Linux x86_64" ] &&
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'
}

# pip_install PYTHON LOCK ARGUMENTS...   what the lock pins, which is complete; elsewhere by
# pip's arguments
pip_install() {
  if locked "$1"; then
    "$1" -m pip install --quiet --require-hashes --no-deps \
      --requirement "$environment_root/.ci/$2"
  else
    "$1" -m pip install --quiet "${@:3}"
  fi
}

install_package() {
  if locked "$1"; then
    pip_install "$1" requirements.txt &&
      "$1" -m pip install --quiet --no-deps --no-build-isolation \
        --editable "$environment_root"
  else
    "$1" -m pip install --quiet --upgrade pip &&
      "$1" -m pip install --quiet --editable "$environment_root[$environment_extras]"
  fi
}

make_environment() {
  local venv="$environment_root/.venv" stamp file python
  # Rebuilt when the dependencies, or the C sources that the plugin is made of, changed.
  file="$venv/made-$environment_extras"
  stamp="$(cd "$environment_root" && cat pyproject.toml \
    $(find tflm_ops .ci/*.txt -type f -not -path '*/build/*' 2>/dev/null | sort) | sha256sum)"
  if [ "$(cat "$file" 2>/dev/null)" != "$stamp" ]; then
    python="$(find_python)"
    need c++ "Install a C++ compiler, for example: apt-get install build-essential"
    say "Setting up $venv ($environment_extras)"
    rm -f "$venv"/made-*
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv" || exit 1
    install_package "$venv/bin/python" || exit 1
    echo "$stamp" >"$file"
  fi
  export PATH="$venv/bin:$PATH" TF_CPP_MIN_LOG_LEVEL=3
}

# CMSIS-NN's sources, which a wheel carries; only they are read, so that it needs none of
# its dependencies.
need_cmsis_nn() {
  local package=bakenn==1.0.0
  python -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("bakenn"))' ||
    pip_install python bakenn.txt --no-deps "$package" || {
    echo "Error: expected pip to install $package, for CMSIS-NN. Received: its failure." >&2
    echo "  Connect to the internet, or to a mirror that pip is set up for." >&2
    return 1
  }
}

# tfmot (TensorFlow Model Optimization Toolkit) prunes models of tf-keras only. Both go
# into .venv-tfmot, which adds them to .venv's packages, its TensorFlow among them.
# Exports KERAS_NEST_TFMOT_PYTHON, its interpreter; one that is set is taken as it is.
need_tfmot() {
  local venv="$environment_root/.venv-tfmot" base tensorflow wanted
  [ -z "${KERAS_NEST_TFMOT_PYTHON:-}" ] || return 0
  base="$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  tensorflow="$(python -c '
from importlib.metadata import version
print(".".join(version("tensorflow").split(".")[:2]))')"
  # tf-keras goes with one minor version of TensorFlow; tfmot imports distutils, which
  # setuptools has since Python no longer does.
  wanted=(tensorflow-model-optimization==0.8.1 "tf-keras==$tensorflow.*"
    'setuptools; python_version >= "3.12"')
  if [ "$(cat "$venv/made" 2>/dev/null)" != "$base ${wanted[*]}" ]; then
    say "Setting up $venv"
    rm -rf "$venv"
    python -m venv "$venv" &&
      echo "import site; site.addsitedir('$base')" >"$(
        "$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
      )/base.pth" &&
      pip_install "$venv/bin/python" tfmot.txt "${wanted[@]}" || {
      echo "Error: expected pip to install ${wanted[*]}. Received: its failure." >&2
      echo "  Connect to the internet, or to a mirror that pip is set up for." >&2
      rm -rf "$venv"
      return 1
    }
    echo "$base ${wanted[*]}" >"$venv/made"
  fi
  export KERAS_NEST_TFMOT_PYTHON="$venv/bin/python"
}

help_without_environment "${@:2}"
make_environment
