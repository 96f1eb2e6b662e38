#!/usr/bin/env bash
# Installs ONNX Runtime where the server and the tests expect it: .groundswell/lib/libonnxruntime.so.
#
# Extracts the library from the `onnxruntime` wheel on PyPI, pinned by version and
# hash so that the library in use is the one that was tested. Installs nothing else.
# The version matches the `api-24` feature of `ort` in Cargo.toml: upgrade both
# together.
set -euo pipefail

VERSION=1.24.4
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64)
    PLATFORM=manylinux_2_28_x86_64
    SHA256=e54ad52e61d2d4618dcff8fa1480ac66b24ee2eab73331322db1049f11ccf330
    ;;
  Linux-aarch64)
    PLATFORM=manylinux_2_28_aarch64
    SHA256=046ff290045a387676941a02a8ae5c3ebec6b4f551ae228711968c4a69d8f6b7
    ;;
  *)
    echo "fetch-onnxruntime: there is no pinned library for $(uname -s) on $(uname -m)." >&2
    echo "  Install ONNX Runtime $VERSION or newer and set ORT_DYLIB_PATH to its library." >&2
    exit 1
    ;;
esac

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=scripts/lib/retry.sh
source "$root/scripts/lib/retry.sh"
lib="$root/.groundswell/lib"
target="$lib/libonnxruntime.so"
stamp="$lib/libonnxruntime.version"

# The stamp is written last, so an interrupted download does not look complete.
if [[ -s "$target" && "$(cat "$stamp" 2>/dev/null || true)" == "$VERSION $SHA256" ]]; then
  echo "ONNX Runtime $VERSION is already in $lib"
  exit 0
fi

if ! command -v python3 >/dev/null; then
  echo "fetch-onnxruntime: python3 is missing. On Debian: apt-get install python3 python3-pip" >&2
  exit 1
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "fetch-onnxruntime: pip is missing. On Debian: apt-get install python3-pip" >&2
  echo "  Or download the onnxruntime $VERSION wheel for $PLATFORM from https://pypi.org/project/onnxruntime/$VERSION/#files," >&2
  echo "  and set ORT_DYLIB_PATH to the libonnxruntime.so.$VERSION inside it." >&2
  exit 1
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
echo "onnxruntime==$VERSION --hash=sha256:$SHA256" >"$work/requirements.txt"
echo "fetching ONNX Runtime $VERSION ($PLATFORM, about 17 MB)"
# The wheels for different Python versions contain the same library, so this
# always downloads the one for 3.11.
if ! retry python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
  --python-version 3.11 --implementation cp --abi cp311 --platform "$PLATFORM" \
  --dest "$work" -r "$work/requirements.txt"; then
  echo "fetch-onnxruntime: the wheel could not be downloaded, or its SHA-256 is not $SHA256." >&2
  echo "  Check the network and the package index that pip uses (pip config list)." >&2
  exit 1
fi

mkdir -p "$lib"
python3 - "$work" "$VERSION" "$lib/.libonnxruntime.part" <<'PYTHON'
import shutil
import sys
import zipfile
from pathlib import Path

folder, version, part = sys.argv[1:]
wheel = next(Path(folder).glob("onnxruntime-*.whl"))
with zipfile.ZipFile(wheel) as archive:
    name = f"onnxruntime/capi/libonnxruntime.so.{version}"
    if name not in archive.namelist():
        sys.exit(f"fetch-onnxruntime: {wheel.name} does not contain {name}")
    with archive.open(name) as library, open(part, "wb") as out:
        shutil.copyfileobj(library, out)
PYTHON
mv "$lib/.libonnxruntime.part" "$target"
chmod 755 "$target"
echo "$VERSION $SHA256" >"$stamp"
echo "ONNX Runtime $VERSION is in $lib"
