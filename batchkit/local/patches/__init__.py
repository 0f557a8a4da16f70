"""
Patches to moto: where moto behaves differently from AWS, one attribute of moto is replaced.

How a patch works. Each module patches one service and has a registry, ``PATCHES = Patches()``.
``@PATCHES(Job, "terminate", reason="...")`` registers a function that replaces ``Job.terminate``
and gets the original as its first argument; ``PATCHES.value`` replaces a constant. Importing a
module changes nothing: `batchkit.local.moto.running` applies the patches of all modules while an
embedded AWS runs, and undoes them when it ends. ``str(patch)`` is its name, ``Job.terminate``.

How a probe proves that it is needed. ``tests/functional/local/probes_*.py`` hold probes: short
functions that use a service through boto3 and assert what AWS does, each beside the names of the
patches that it needs. ``test_local_patches.py`` runs every probe with all patches, where it must
pass, and again without each of its patches, where it must fail. When a new version of moto
behaves as AWS does, the probe passes without the patch, and the test says which patch to delete.
A patch that no probe names fails a test too.

How to take a patch to moto. Its ``reason`` is the title of the issue: what AWS does, and what
moto does. The probe is the body of the issue and of moto's own test: write it as a function under
``@mock_aws``. The body of the patch shows the change to make in the class that it names. Once the
change is released, raise the version of moto in ``setup.cfg`` and delete patch and probe name.

How to add one. Write the probe, watch it fail, and register the patch beside those of its
service. A new module needs no entry anywhere: `batchkit.local.moto` finds it.
"""
