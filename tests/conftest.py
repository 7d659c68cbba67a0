"""Words written to a file and read as an operator's are: accepted, or refused with reasons."""

import pytest
import yaml

from deploys.words import WordsError, words
from tests.example import SECRET, example


@pytest.fixture
def write(tmp_path):
    """A mail.yaml with the given text, or the example with changes."""

    def written(text=None, **changes):
        path = tmp_path / "mail.yaml"
        text = yaml.safe_dump(example(**changes), allow_unicode=True, sort_keys=False) if text is None else text
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


@pytest.fixture
def refusal(write):
    """The reasons for which words are refused, without the path in front: ``line: key: sentence``."""

    def refused(text=None, **changes):
        path = write(text, **changes)
        with pytest.raises(WordsError) as caught:
            words(path)
        assert SECRET not in str(caught.value)
        return [line.removeprefix(f"{path}:").strip() for line in caught.value.lines]

    return refused


@pytest.fixture
def accepted(write):
    return lambda text=None, **changes: words(write(text, **changes))
