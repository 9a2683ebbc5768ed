"""torch: what its modules import, its libraries, and its sources for torch.jit.

PyInstaller's own hook imports all of torch's two thousand modules to list them.
"""

from PyInstaller.utils.hooks import collect_dynamic_libs, get_package_paths

module_collection_mode = "pyz+py"
binaries = [
    *collect_dynamic_libs("torch", search_patterns=["*.so*"]),
    (f"{get_package_paths('torch')[1]}/bin/torch_shm_manager", "torch/bin"),
]
