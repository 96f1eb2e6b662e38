//! Searches for models and for their runtime.

use std::path::{Path, PathBuf};

use super::{InferenceError, LoadParams};

/// Number of folders above the executable that are searched for the checkout. The deepest executable is
/// `target/debug/deps/it-…`.
const N_FOLDERS_UP: usize = 4;

/// Finds a model's folder. A name that contains a `/` is the folder itself; any other name is looked up in the weights
/// folder that the user set, or else in `weights/` beside the executable, then in the checkout in which it was built.
///
/// # Errors
/// If none of the searched folders holds a manifest. Only the user's folder is searched if there is one.
pub fn find_model(params: &LoadParams, name: &Path) -> Result<PathBuf, InferenceError> {
    if name.components().count() > 1 || name.is_absolute() {
        return first("the model's folder with its `manifest.json`", vec![name.to_owned()], |folder| {
            folder.join("manifest.json").is_file()
        });
    }
    let folders = match &params.weights_dir {
        Some(folder) => vec![folder.clone()],
        None => beside(params.executable.as_deref(), "weights", "weights"),
    };
    let candidates = folders.into_iter().map(|folder| folder.join(name)).collect();
    first("the model's folder with its `manifest.json`", candidates, |folder| {
        folder.join("manifest.json").is_file()
    })
}

/// Finds the ONNX Runtime library: the one that the user set, or else one in `lib/` beside the executable, then in
/// `.groundswell/lib` of the checkout in which it was built.
///
/// # Errors
/// If no library is found. Only the user's path is tried if there is one.
pub fn find_runtime(params: &LoadParams) -> Result<PathBuf, InferenceError> {
    let candidates = match &params.runtime_library {
        Some(library) => vec![library.clone()],
        None => beside(params.executable.as_deref(), "lib", ".groundswell/lib")
            .into_iter()
            .map(|folder| folder.join("libonnxruntime.so"))
            .collect(),
    };
    first("the ONNX Runtime library (`scripts/fetch-onnxruntime.sh` installs it)", candidates, Path::is_file)
}

/// Returns the paths to search: `here` beside the executable, then `in_checkout` in every parent folder that looks like
/// the checkout.
fn beside(executable: Option<&Path>, here: &str, in_checkout: &str) -> Vec<PathBuf> {
    let Some(folder) = executable.and_then(Path::parent) else {
        return Vec::new();
    };
    let above = folder.ancestors().take(N_FOLDERS_UP).filter(|above| above.join("Cargo.toml").is_file());
    std::iter::once(folder.join(here)).chain(above.map(|above| above.join(in_checkout))).collect()
}

fn first(
    what: &'static str,
    candidates: Vec<PathBuf>,
    fits: impl Fn(&Path) -> bool,
) -> Result<PathBuf, InferenceError> {
    match candidates.iter().find(|candidate| fits(candidate)) {
        Some(found) => Ok(found.clone()),
        None => Err(InferenceError::NotFound { what, looked: candidates }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    fn params(executable: PathBuf) -> LoadParams {
        LoadParams { executable: Some(executable), ..LoadParams::default() }
    }

    #[test]
    fn files_beside_the_executable_come_before_the_checkout() {
        let root = tempfile::tempdir().unwrap();
        let executable = root.path().join("target/debug/groundswell");
        touch(&root.path().join("Cargo.toml"));
        touch(&root.path().join(".groundswell/lib/libonnxruntime.so"));
        touch(&root.path().join("weights/swift/manifest.json"));
        let params = params(executable);
        assert_eq!(find_runtime(&params).unwrap(), root.path().join(".groundswell/lib/libonnxruntime.so"));
        assert_eq!(find_model(&params, Path::new("swift")).unwrap(), root.path().join("weights/swift"));

        touch(&root.path().join("target/debug/lib/libonnxruntime.so"));
        assert_eq!(find_runtime(&params).unwrap(), root.path().join("target/debug/lib/libonnxruntime.so"));
    }

    #[test]
    fn a_library_set_by_the_user_is_the_only_one_tried() {
        let root = tempfile::tempdir().unwrap();
        let executable = root.path().join("groundswell");
        touch(&root.path().join("lib/libonnxruntime.so"));
        let named = root.path().join("elsewhere.so");
        let params = LoadParams { runtime_library: Some(named.clone()), ..params(executable) };
        let error = find_runtime(&params).unwrap_err();
        assert!(matches!(&error, InferenceError::NotFound { looked, .. } if *looked == [named]), "{error}");
    }
}
