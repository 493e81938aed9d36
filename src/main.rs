//! The `gristmill` command.

use std::process::ExitCode;

// Looking up a thousand steps or a hundred thousand files is mostly many small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gristmill::cli::main()
}
