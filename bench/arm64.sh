#!/usr/bin/env bash
# The test-suite and the golden scores on 64-bit Arm, by emulation on an x86-64 Debian or Ubuntu:
#
#     PYTHON=.venv/bin/python bench/arm64.sh [--root DIR] [TESTS ...]
#
# TESTS are what pytest takes, by default all of them.
# $PYTHON (default: python3) holds the library's requirements and pytest; their versions are installed
# for Arm, so that nothing but the processor differs. What the script makes lies in DIR (default:
# classicselfie-arm64 in the temporary folder) and is used again by the next run; delete DIR to start
# anew. It needs the package registries of the distribution and of Python on the first run, no root,
# and changes nothing outside DIR:
#
#   1. QEMU's user-mode emulator, unpacked from the distribution's package;
#   2. a small arm64 system (Python, C library, shell), unpacked from the distribution's packages;
#   3. the ordinary aarch64 wheels of numpy, OpenCV, Pillow and pytest, put into it by the x86 pip;
#   4. a copy of this checkout, as it lies there;
#   5. pytest in that system: first the golden scores, then everything else;
#   6. the golden scores once more, there and on x86, and the largest difference between them.
#
# The emulator is registered with the kernel in a user namespace of its own (Linux 6.7 or later), so
# that programs which the tests start are emulated too and the machine's other programs notice nothing.
# Older kernels need the package qemu-user-static installed as usual.
#
# QEMU_CPU chooses the processor, cortex-a72 by default (Raspberry Pi 4); "max" has all extensions.
# The exit code is 0 where all tests pass and the scores differ by 0.02 at most. Times mean nothing here.
set -euo pipefail

fail() {
    printf 'arm64.sh: %s\n' "$*" >&2
    exit 2
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}
root=${TMPDIR:-/tmp}/classicselfie-arm64
cpu=${QEMU_CPU:-cortex-a72}
tests=()

while (($#)); do
    case $1 in
        --root) root=${2:-} && [[ $root ]] || fail "--root needs a folder" && shift 2 ;;
        -h | --help) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" && exit ;;
        -*) fail "unknown option $1; see --help" ;;
        *) tests+=("$1") && shift ;;
    esac
done
((${#tests[@]})) || tests=(tests)

DESELECTED=(
    # These fetch packages with pip inside the system, which has none.
    tests/test_packaging.py::test_opencv_4_and_5_give_the_same_answers
    tests/test_packaging.py::test_opencv_4_and_5_agree_on_100_real_photos
)

[[ $(uname -sm) == "Linux x86_64" ]] || fail "this runs on Linux on x86-64, not on $(uname -sm)"
for tool in apt-get dpkg-deb tar unshare chroot; do
    command -v "$tool" >/dev/null || fail "$tool is missing; this needs Debian or Ubuntu"
done
versions=$("$python" - <<'PY' 2>/dev/null
from importlib.metadata import version
for name in ("numpy", "opencv-contrib-python-headless", "Pillow", "pytest"):
    print(f"{name}=={version(name)}")
PY
) || fail "$python lacks numpy, opencv-contrib-python-headless, Pillow or pytest; set PYTHON"
"$python" -m pip --version >/dev/null 2>&1 || fail "$python has no pip; set PYTHON"

mkdir -p "$root" 2>/dev/null && root=$(cd "$root" && pwd) || fail "$root cannot be made; see --root"
[[ $root/ != "$here"/* ]] || fail "$root lies in the checkout, which is copied into it; see --root"
[[ $root != *:* ]] || fail "the kernel wants a folder without a colon; see --root"
system=$root/system
log=$root/log
: >"$log" || fail "$root cannot be written; see --root"

# apt with a state of its own, which believes that nothing is installed: apt_for ARCHITECTURE COMMAND ...
apt_for() {
    local state=$root/apt-$1 sources=()
    if [[ ! -e $state/status ]]; then
        mkdir -p "$state"/{lists,archives}/partial && : >"$state/status"
        # Ubuntu keeps arm64 apart from x86-64.
        # shellcheck source=/dev/null
        (. /etc/os-release && if [[ $ID == ubuntu ]]; then
            for suite in "$VERSION_CODENAME" "$VERSION_CODENAME-updates" "$VERSION_CODENAME-security"; do
                echo "deb http://ports.ubuntu.com/ubuntu-ports $suite main universe"
            done >"$state/ports.list"
        fi)
    fi
    if [[ $1 == arm64 && -e $state/ports.list ]]; then
        sources=(-o Dir::Etc::SourceList="$state/ports.list" -o Dir::Etc::SourceParts=/dev/null)
    fi
    apt-get -qq -o APT::Architecture="$1" -o APT::Architectures="$1" -o APT::Sandbox::User= \
        -o Dir::State="$state" -o Dir::State::Lists="$state/lists" -o Dir::State::Status="$state/status" \
        -o Dir::Cache="$state" -o Dir::Cache::Archives="$state/archives" -o Dir::Log="$state" \
        -o Debug::NoLocking=true -o Acquire::Languages=none -o APT::Install-Recommends=false \
        "${sources[@]}" "${@:2}" >>"$log" 2>&1
}

get_emulator() {
    local name program
    apt_for amd64 update || fail "apt cannot fetch the lists of amd64; see $log"
    # Newer releases have the static emulator in qemu-user.
    for name in qemu-user-static qemu-user; do
        (cd "$root/apt-amd64" && apt_for amd64 download "$name") || continue
        dpkg-deb -x "$root/apt-amd64/$name"_*.deb "$root/qemu"
        for program in "$root"/qemu/usr/bin/qemu-aarch64{-static,}; do
            if [[ -f $program && ! -L $program ]]; then
                cp "$program" "$root/qemu-aarch64"
                return
            fi
        done
    done
    fail "no static qemu-aarch64 in the packages of this distribution; see $log"
}

get_system() {
    local deb
    apt_for arm64 update || fail "apt cannot fetch the lists of arm64; see $log"
    apt_for arm64 install --yes --download-only python3 libstdc++6 libc-bin dash coreutils ||
        fail "apt cannot fetch the packages of arm64; see $log"
    rm -rf "$system"
    mkdir -p "$system"/{usr/{bin,sbin,lib},etc,proc,dev,checkout} "$root/binfmt"
    mkdir -m 1777 "$system/tmp"
    ln -s usr/bin usr/sbin usr/lib "$system"
    for deb in "$root"/apt-arm64/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -C "$system" --keep-directory-symlink --no-same-owner -xf -
    done
    [[ -e $system/usr/bin/sh ]] || ln -s dash "$system/usr/bin/sh"
    echo "root:x:0:0:root:/tmp:/bin/sh" >"$system/etc/passwd"
    touch "$system/.complete"
}

get_wheels() {
    local minor platforms=(--platform manylinux2014_aarch64) release folder
    release=$(basename "$(readlink "$system/usr/bin/python3")")
    folder=$system/usr/local/lib/$release/dist-packages
    if [[ -e $folder/.versions && $(<"$folder/.versions") == "$versions" ]]; then
        return
    fi
    for minor in {17..35}; do
        platforms+=(--platform "manylinux_2_${minor}_aarch64")
    done
    rm -rf "$folder"
    # shellcheck disable=SC2086  # one requirement a word
    "$python" -m pip install --no-compile --target "$folder" "${platforms[@]}" --only-binary=:all: \
        --implementation cp --python-version "${release#python}" $versions >>"$log" 2>&1 ||
        fail "pip finds no aarch64 wheels of" $versions "for ${release}; see $log"
    echo "$versions" >"$folder/.versions"
}

# Runs a command in the arm64 system, in namespaces of its own.
emulated() {
    ROOT=$root SYSTEM=$system CPU=$cpu unshare --user --map-root-user --mount bash -c '
        set -euo pipefail
        if mount -t binfmt_misc binfmt_misc "$ROOT/binfmt" 2>/dev/null; then
            magic="\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
            mask="\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
            # F: the emulator is opened now, so that it need not lie in the system.
            printf "%s" ":qemu-aarch64:M::$magic:$mask:$ROOT/qemu-aarch64:PF" >"$ROOT/binfmt/register"
        fi
        mount --rbind /proc "$SYSTEM/proc"
        mount --rbind /dev "$SYSTEM/dev"
        exec chroot "$SYSTEM" /usr/bin/env -i -C /checkout HOME=/tmp LANG=C.UTF-8 PATH=/usr/bin \
            PYTHONPATH=/checkout PYTHONDONTWRITEBYTECODE=1 QEMU_CPU="$CPU" "$@"
    ' bash "$@"
}

copy_checkout() {
    rm -rf "$system/checkout"
    mkdir "$system/checkout"
    tar -C "$here" --exclude-vcs --exclude='./.venv*' --exclude=./build --exclude=./dist \
        --exclude='*.egg-info' --exclude='.*_cache' --exclude=__pycache__ -cf - . |
        tar -C "$system/checkout" -xf -
}

# The golden probabilities as one line of JSON: golden_scores COMMAND ...
golden_scores() {
    "$@" -c '
import json, sys
sys.path.insert(0, "tests")
from golden_pictures import measure
print(json.dumps({name: golden["probability"] for name, golden in measure().items()}))'
}

[[ -x $root/qemu-aarch64 ]] || get_emulator
[[ -e $system/.complete ]] || get_system
get_wheels
copy_checkout

unshare --user --map-root-user --mount true 2>>"$log" ||
    fail "this machine lets nobody make user namespaces (containers and Ubuntu's AppArmor forbid it)"
[[ $(emulated uname -m 2>>"$log") == aarch64 ]] ||
    fail "the kernel does not start arm64 programs: it is older than 6.7, and qemu-user-static is not" \
        "installed; see $log"
emulated python3 - <<'PY' || fail "the wheels cannot be imported under emulation"
import platform, PIL, cv2, numpy
cv2.FaceDetectorYN  # noqa: B018
print(f"{platform.machine()}, Python {platform.python_version()}, OpenCV {cv2.__version__}, "
      f"numpy {numpy.__version__}, Pillow {PIL.__version__}")
PY
printf 'emulated by %s as %s\n' "$(cd "$root" && ./qemu-aarch64 --version | head -n 1)" "$cpu"

status=0
emulated python3 -m pytest -p no:cacheprovider -q tests/test_golden.py | tee "$root/golden.txt" || status=1
emulated python3 -m pytest -p no:cacheprovider -q "${tests[@]}" --ignore tests/test_golden.py \
    "${DESELECTED[@]/#/--deselect=}" | tee "$root/rest.txt" || status=1

arm=$(golden_scores emulated python3) || fail "the golden pictures cannot be scored under emulation"
x86=$(cd "$here" && PYTHONPATH=$here golden_scores "$python") ||
    fail "the golden pictures cannot be scored on x86"

printf '\ngolden scores: %s\n' "$(tail -n 1 "$root/golden.txt")"
printf 'the other tests: %s\n' "$(tail -n 1 "$root/rest.txt")"
"$python" - "$arm" "$x86" <<'PY' || status=1
import json, sys
arm, x86 = map(json.loads, sys.argv[1:])
assert arm.keys() == x86.keys()
name = max(arm, key=lambda key: abs(arm[key] - x86[key]))
largest = abs(arm[name] - x86[name])
print(f"largest difference of {len(arm)} golden probabilities: {largest:.2g} ({name}: "
      f"{arm[name]:.6f} on arm64, {x86[name]:.6f} on x86)")
sys.exit(largest > 0.02)
PY
exit "$status"
