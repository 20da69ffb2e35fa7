"""Where documents lie: in a bucket if the environment names one, else in a folder.

Read by ``config.settings`` alone.
"""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


def documents_storage(env: environ.Env, *, folder: Path) -> dict[str, Any]:
    """The entry of STORAGES for documents. Raises ImproperlyConfigured."""
    if not env.str("DOCUMENTS_S3_BUCKET", default=""):
        backend = "common.storage.DurableFileSystemStorage"
        return {"BACKEND": backend, "OPTIONS": {"location": folder}}
    return {"BACKEND": "common.storage.s3.DurableS3Storage", "OPTIONS": _bucket(env)}


def _bucket(env: environ.Env) -> dict[str, Any]:
    access_key = env.str("DOCUMENTS_S3_ACCESS_KEY_ID", default="")
    secret_key = env.str("DOCUMENTS_S3_SECRET_ACCESS_KEY", default="")
    if bool(access_key) != bool(secret_key):
        raise ImproperlyConfigured(
            "Set both DOCUMENTS_S3_ACCESS_KEY_ID and DOCUMENTS_S3_SECRET_ACCESS_KEY, or neither."
        )
    encryption = {
        "ServerSideEncryption": env.str("DOCUMENTS_S3_ENCRYPTION", default=""),
        "SSEKMSKeyId": env.str("DOCUMENTS_S3_KMS_KEY_ID", default=""),
    }
    return {
        "bucket_name": env.str("DOCUMENTS_S3_BUCKET"),
        "location": env.str("DOCUMENTS_S3_PREFIX", default="").strip("/"),
        "endpoint_url": env.str("DOCUMENTS_S3_ENDPOINT_URL", default="") or None,
        "region_name": env.str("DOCUMENTS_S3_REGION", default="") or None,
        "access_key": access_key or None,
        "secret_key": secret_key or None,
        "object_parameters": {name: value for name, value in encryption.items() if value},
    }
