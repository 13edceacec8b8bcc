"""Every error that Retort raises on purpose, named by the boundary that was crossed.

RetortError
├── RecipeError            a recipe or machine file is wrong                       (ValueError)
├── SourceError            a source of problems cannot be read, or a row of it is wrong
├── TeacherError           a server could not start, died for good, or refuses us
├── ImportedRowError       a file of existing generations is wrong                 (ValueError)
├── GradeFileError         a file to be graded, or its output, is wrong            (ValueError)
├── InputFileError         a file given to dedupe, decontaminate … is wrong        (ValueError)
├── ClusterError           no Ray cluster, or a node of it is not like this machine
├── SandboxUnavailable     no Docker engine, image or container
├── GraderError            the machinery of a grader broke (never a bad candidate)
├── SchemaMismatch         a part has other columns or types than its schema
├── ManifestMismatch       an artifact is not what its manifest says
├── LedgerMismatch         rows are unaccounted for
├── PublishError           a version exists with another content, or a hub refuses it
├── TrainError             training data, template or a rank is not as it must be
├── StorageFull            the disk has no room for an artifact
├── MissingDependency      a package or program that this stage needs is not installed
└── Busy                   another process works on the same artifact

A bad candidate is data and raises none of these. Each message has subject, expected, found and
remedy, in one or two sentences.
"""

from __future__ import annotations


class RetortError(Exception):
    """Base of every error raised on purpose."""


class RecipeError(RetortError, ValueError):
    """A recipe or machine file is wrong."""


class SourceError(RetortError):
    """A source of problems cannot be read, or one of its rows is wrong."""


class TeacherError(RetortError):
    """A model server could not start, died for good, or refuses our requests."""


class ImportedRowError(RetortError, ValueError):
    """A file of existing generations is wrong."""


class GradeFileError(RetortError, ValueError):
    """A file that is to be graded, or the output of an earlier command, is wrong."""


class InputFileError(RetortError, ValueError):
    """A file that was given to a command which works on files (dedupe, decontaminate) is wrong."""


class ClusterError(RetortError):
    """There is no Ray cluster, a node of it is not like this machine, or no node is left."""


class SandboxUnavailable(RetortError):  # noqa: N818 - named for what the user reads
    """No Docker engine, image or container to run untrusted code in."""


class GraderError(RetortError):
    """The machinery of a grader broke; a bad candidate never raises this."""


class SchemaMismatch(RetortError, ValueError):  # noqa: N818
    """A part has other columns or types than its schema."""


class ManifestMismatch(RetortError):  # noqa: N818
    """An artifact is not what its manifest says."""


class LedgerMismatch(RetortError):  # noqa: N818
    """Rows are unaccounted for."""


class PublishError(RetortError):
    """A dataset version exists already with another content, or a hub does not take it."""


class TrainError(RetortError):
    """Training data, template, checkpoint or a rank is not as it must be."""


class StorageFull(RetortError):  # noqa: N818
    """The disk has no room for an artifact; what is finished is kept."""


class MissingDependency(RetortError):  # noqa: N818
    """A package or program that this stage needs is not installed."""


class Busy(RetortError):  # noqa: N818
    """Another process works on the same artifact."""
