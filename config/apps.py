"""Django's own applications, set up for this program."""

from django.contrib.admin.apps import AdminConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class OperatorAdminConfig(AdminConfig):
    """Puts the operator's admin site in the place of Django's."""

    default_site = "config.admin.OperatorAdminSite"


class CollectedFilesConfig(StaticFilesConfig):
    """Leaves out what no page asks for: compressing it would take most of ``collectstatic``'s time.

    A page that asks for something left out fails ``tests/deployment``.
    """

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        *("tabler-*", "tabler.css*", "*.rtl.*"),
        *("*.d.css.ts", "*.json", "*.md", "scss"),
        *("ext", "htmx.js", "htmx.*.js.gz", "htmx.amd.js", "htmx.cjs.js", "htmx.esm*"),
    ]
