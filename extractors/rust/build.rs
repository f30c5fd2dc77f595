//! What is derived from the spec (`extractors/schema`), and how the programs are linked.

#[path = "codegen/features.rs"]
mod features;
#[path = "codegen/settings.rs"]
mod settings;
#[path = "codegen/spec.rs"]
mod spec;
#[path = "codegen/stats.rs"]
mod stats;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=codegen");
    features::generate()?;
    spec::generate()?;
    link()
}

/// What is mapped is resident.
fn link() -> Result<(), Box<dyn Error>> {
    // Relocations of our own addresses, 24 bytes each, in a bit each: glibc, within or not, reads these from 2.36 on.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    // What seldom runs stands apart from what does.
    // By the folder of this run: the script itself may have been compiled in another checkout.
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{}/cold.ld", std::env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo:rerun-if-changed=cold.ld");
    // What was linked where, beside each program: a test holds every pattern of cold.ld to it.
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    let folder =
        out.ancestors().nth(3).ok_or("OUT_DIR is not below the profile's folder")?.display().to_string();
    for program in spec::programs()? {
        println!("cargo:rustc-link-arg-bin={program}=-Wl,-Map={folder}/{program}.map");
    }
    // The unwinder for a crash's backtrace from the archive: a library less is mapped.
    println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    Ok(())
}
