//! What is generated from `extractors/schema`, and how the programs are linked: what is mapped is resident.

#[path = "codegen/features.rs"]
mod features;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    features::generate()?;
    // Relocations of our own addresses, 24 bytes each, in a bit each: glibc reads these from 2.36 on, Debian 12's.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    // What seldom runs stands apart from what does.
    let cold = concat!(env!("CARGO_MANIFEST_DIR"), "/cold.ld");
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{cold}");
    println!("cargo:rerun-if-changed=cold.ld");
    // The unwinder for a crash's backtrace from the archive: a library less is mapped.
    println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}
