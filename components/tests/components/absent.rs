//! What is not to be there: files, directories, links, certificates.

use std::fs;
use std::os::unix::fs::symlink;

use togusa_components::prelude::*;
use togusa_core::prelude::*;

use crate::Bench;

fn bench<C: Component>(make: impl Fn() -> C + Send + Sync + 'static) -> Bench {
    let test = Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    });
    fs::create_dir_all(test.path("")).unwrap();
    test
}

#[test]
fn a_file_goes_whatever_was_to_be_in_it() {
    let test = bench(|| File::new("note").source("missing").mode(0o600).absent());
    assert_eq!(test.converge(), [""; 0]);
    fs::write(test.path("note"), "kept?").unwrap();
    assert_eq!(test.converge(), ["- remove file"]);
    assert!(!test.exists("note"));

    fs::write(test.path("other"), "kept").unwrap();
    symlink("other", test.path("note")).unwrap();
    assert_eq!(test.converge(), ["- remove symlink"]);
    assert_eq!((test.exists("note"), test.read("other").as_str()), (false, "kept"));

    fs::create_dir(test.path("note")).unwrap();
    let failure = test.failure();
    assert!(failure.contains("note` is no file"), "{failure}");
    assert!(failure.contains("`Purge` removes whatever it is"), "{failure}");
    assert!(test.exists("note"));

    let below = bench(|| File::new("missing/note").absent());
    assert_eq!(below.converge(), [""; 0]);
}

#[test]
fn a_directory_goes_with_all_that_it_holds() {
    let test = bench(|| Directory::new("data").source("missing").absent());
    assert_eq!(test.converge(), [""; 0]);
    fs::create_dir_all(test.path("data/deep")).unwrap();
    fs::write(test.path("outside"), "kept").unwrap();
    symlink(test.path("outside"), test.path("data/link")).unwrap();
    assert_eq!(test.converge(), ["- remove directory with all that it holds"]);
    assert_eq!((test.exists("data"), test.read("outside").as_str()), (false, "kept"));

    // A link to one is not followed, and not taken for one.
    fs::create_dir(test.path("elsewhere")).unwrap();
    symlink("elsewhere", test.path("data")).unwrap();
    assert!(test.failure().contains("data` is no directory"));
    assert!(test.exists("data") && test.exists("elsewhere"));
}

#[test]
fn a_link_goes_and_what_it_leads_to_stays() {
    let test = bench(|| Symlink::absent("current"));
    assert_eq!(test.converge(), [""; 0]);
    fs::create_dir(test.path("release")).unwrap();
    symlink("release", test.path("current")).unwrap();
    assert_eq!(test.converge(), ["- remove symlink"]);
    assert!(!test.exists("current") && test.exists("release"));
    fs::write(test.path("current"), "").unwrap();
    assert!(test.failure().contains("current` is no symlink"));
    assert!(test.exists("current"));
}

#[cfg(feature = "web")]
#[test]
fn a_certificate_goes_with_its_key() {
    let test = bench(|| Certificate::self_signed("shop.localhost").absent());
    assert_eq!(test.converge(), [""; 0]);
    fs::write(test.path("shop.localhost.crt"), "").unwrap();
    fs::write(test.path("shop.localhost.key"), "").unwrap();
    assert_eq!(test.converge(), ["- remove file", "- remove file"]);
    assert!(!test.exists("shop.localhost.crt") && !test.exists("shop.localhost.key"));
}
