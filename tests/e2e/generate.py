"""Test classes made from templates: one for each interpreter, or each of whatever there is."""

import unittest


def template(cls):
    """Mark a TestCase that has tests only in what is made from it."""
    cls.is_template_of = cls
    return cls


def add_class(namespace, base, label, **attributes):
    """A subclass of the template `base`, under a name of its own."""
    name = "%s_%s" % (base.__name__, "".join(c if c.isalnum() else "_" for c in label))
    if name in namespace:  # the same version from two places
        name += "_%d" % sum(1 for other in namespace if other.startswith(name))
    attributes.update(is_template_of=None, __module__=namespace["__name__"])
    namespace[name] = type(name, (base,), attributes)


class Unsupported(unittest.TestCase):
    """What is found but not to be tested."""


def add_skip(namespace, label, reason):
    """A class with one test, skipped: so that the reason is counted and printed."""

    def test_unsupported(self):
        self.skipTest(reason)

    add_class(namespace, Unsupported, label, test_unsupported=test_unsupported)


def make_load_tests(namespace):
    """unittest's load_tests protocol: the classes of a module without templates and imported bases."""

    def load_tests(loader, standard, pattern):
        suite = unittest.TestSuite()
        for _, value in sorted(namespace.items()):
            if not isinstance(value, type) or not issubclass(value, unittest.TestCase):
                continue
            if value.__module__ != namespace["__name__"]:
                continue
            if getattr(value, "is_template_of", None) is not value:
                suite.addTests(loader.loadTestsFromTestCase(value))
        return suite

    return load_tests
