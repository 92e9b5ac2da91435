//! Kfuncs of which an object declares several prototypes, for kernels that have changed it.
//!
//! By its name the loader program would find each of them. Which one the kernel's function is like is found out here, and
//! the others are not looked for: they are missing then, as weak ones may be. No other object pays for this.

use crate::btf::{KernelBtf, ModuleBtf, kind};
use crate::image::{Header, OP_FIND_BTF, Step};
use crate::{Error, Result};

use super::untyped;

/// What to write over `image` for its loader to pass over kfuncs that are not as the object declares them.
///
/// `is_set` says of a condition's place whether the word there is not 0.
pub(super) fn words(image: &[u8], header: &Header, is_set: impl Fn(u32) -> bool) -> Result<Vec<(u32, u32)>> {
    let wanted = |(_, step): &(u32, Step)| step.op == OP_FIND_BTF && step.feature != 0 && !is_set(step.unless);
    let wanted: Vec<_> = (0..).zip(header.steps(image)).filter(wanted).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let kernel = KernelBtf::read()?;
    let mut modules = None;
    let mut words = Vec::new();
    for (index, step) in wanted {
        let malformed = || Error::new("read the loader's image").because("a function's name or shape is not inside");
        let (name, shape) = text(image, step.arg).zip(text(image, step.feature)).ok_or_else(malformed)?;
        if shape_of(&kernel, &mut modules, name)?.is_none_or(|found| found != shape) {
            words.push(untyped::never(header, index));
        }
    }
    Ok(words)
}

/// The shape of the kernel's function `name`: the first, as the loader program finds it. `modules` are read once they are
/// needed.
fn shape_of(kernel: &KernelBtf, modules: &mut Option<Vec<ModuleBtf>>, name: &str) -> Result<Option<String>> {
    let types = kernel.types();
    if let Some(found) = types.find(kind::FUNC, name) {
        return Ok(types.function_shape(found));
    }
    let modules = match modules {
        Some(modules) => modules,
        None => modules.insert(kernel.modules().collect::<Result<_>>()?),
    };
    let found = modules.iter().find_map(|module| {
        let types = module.types(kernel);
        Some(types.function_shape(types.find_own(kind::FUNC, name)?))
    });
    Ok(found.flatten())
}

/// The text at `at`, up to its 0.
fn text(image: &[u8], at: u32) -> Option<&str> {
    let bytes = image.get(at as usize..)?.split(|&byte| byte == 0).next()?;
    std::str::from_utf8(bytes).ok()
}
