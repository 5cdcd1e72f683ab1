# What the gate and the full check share. Sourced, from the root of the project.

# Dependencies are built once a machine, not once a clone.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/backdraft/target}
# Nothing is built here that only a second build or a debugger would use.
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
# CubeCL that profiles does not tune: trying one kernel of matrix products alone takes a software GPU
# ten seconds of compiling, for each layout of its operands.
export CUBECL_DEBUG_OPTION=profile
# Mesa's drivers warn without it.
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$(mktemp -d)}

# Cargo takes what another checkout of this project built for its own, where the files here are older than that:
# what is then tested is the other checkout's code. So what is ours is built anew if another was here last.
checkout=$CARGO_TARGET_DIR/backdraft-checkout
if [ -d "$CARGO_TARGET_DIR" ] && [ "$(cat "$checkout" 2>/dev/null)" != "$PWD" ]; then
    for kind in "" --release "--target x86_64-unknown-linux-gnu"; do
        cargo clean --quiet --workspace --locked $kind
    done
fi
mkdir -p "$CARGO_TARGET_DIR"
echo "$PWD" >"$checkout"

printed=$(mktemp)
trap 'rm -f "$printed"' EXIT

# Runs a command and tells how long it took. If it fails, the last lines name it and the tests that failed.
step() {
    local start=$SECONDS
    echo "== $*"
    if "$@" 2>&1 | tee "$printed"; then
        echo "== $((SECONDS - start)) s: $*"
    else
        echo "== FAILED after $((SECONDS - start)) s: $*"
        sed -n 's/^test \(.*\) \.\.\. FAILED$/failed: \1/p; s/^error: test failed, to rerun pass /in: /p' "$printed"
        exit 1
    fi
}

# A software Vulkan device, so that the WGPU backend runs without a GPU.
need_vulkan() {
    if [ "$(uname)" = Linux ] && ! ls /usr/share/vulkan/icd.d/lvp_icd* >/dev/null 2>&1; then
        local sudo
        sudo=$([ "$(id -u)" = 0 ] || echo sudo)
        step $sudo apt-get update -qq
        step $sudo apt-get install -y -qq --no-install-recommends mesa-vulkan-drivers
    fi
}

lints() {
    step cargo fmt --all --check
    step cargo clippy --workspace --all-targets --features "$1" --locked -- -D warnings
    step env RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace --features "$1" --locked
}
