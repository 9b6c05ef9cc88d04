"""The desk's key behind a security module: a real one in software, with the wrong PIN, and away."""

import os
import subprocess

import pytest
from django.core.management import call_command

from talent.custody import keys, reading, token
from talent.models import CustodyItem
from tests import judges

PIN = "4711"


@pytest.fixture
def module(tmp_path, settings, monkeypatch):
    """A token of SoftHSM in a folder of the test's own."""
    pytest.importorskip("pkcs11")
    library = judges.JUDGES["softhsm2"].path()
    (tmp_path / "tokens").mkdir()
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(configuration))
    command = [library, "--init-token", "--free", "--label", "vault", "--pin", PIN]
    subprocess.run(  # noqa: S603 - our own
        [*command, "--so-pin", PIN], check=True, capture_output=True, env=os.environ
    )
    settings.VAULT_PKCS11_MODULE = "/usr/lib/softhsm/libsofthsm2.so"
    settings.VAULT_PKCS11_TOKEN, settings.VAULT_PKCS11_PIN = "vault", PIN
    token.opened.cache_clear()
    yield
    token.opened.cache_clear()


@pytest.mark.judge("softhsm2")
def test_an_identity_is_sealed_by_the_module_and_opens_nothing_without_it(
    module, stored, settings, capsys
):
    before = stored(b"before")
    settings.VAULT_OLD_IDENTITIES = [keys.desk_identity().in_text()]
    call_command("new_vault_identity")
    told = capsys.readouterr().out.splitlines()[0].removeprefix("VAULT_IDENTITY=")
    assert told.startswith("pkcs11:")
    settings.VAULT_IDENTITY = told
    item = stored(b"face")
    assert keys.rotate().done == 2
    settings.VAULT_OLD_IDENTITIES = []
    for row, content in ((item, b"face"), (before, b"before")):
        loaded = CustodyItem.objects.get(pk=row.pk)
        assert b"".join(reading.content_of(loaded)) == content

    for name, wrong in (("PIN", "0000"), ("TOKEN", "other"), ("MODULE", "/nowhere.so")):
        token.opened.cache_clear()
        right = getattr(settings, f"VAULT_PKCS11_{name}")
        setattr(settings, f"VAULT_PKCS11_{name}", wrong)
        with pytest.raises(keys.KeyMissing, match="security module"):
            keys.file_key_of(item.pk)
        setattr(settings, f"VAULT_PKCS11_{name}", right)
    token.opened.cache_clear()
    settings.VAULT_IDENTITY = told[:-8]
    with pytest.raises(keys.KeyMissing, match="security module"):
        keys.file_key_of(item.pk)
