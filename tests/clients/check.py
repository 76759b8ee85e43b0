"""
What receivers' developers do with the OpenAPI document, done: two linters read it, and two generators make types of it,
with which every sample fits. ``make schema-clients`` installs what this needs and runs it: its argument is the Python
of an environment with datamodel-code-generator.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOLS = HERE / "node_modules" / ".bin"


def main():
    """Exit status 1, with what the tool says, if one finds something wrong."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "test_settings"
    import django

    django.setup()
    from openedx_webhooks.operations import schema

    # Where TypeScript and Spectral find what they need.
    with tempfile.TemporaryDirectory(dir=HERE) as directory:
        folder = Path(directory)
        document = schema.openapi()
        (folder / "openapi.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
        (folder / "spectral.yaml").write_text('extends: ["spectral:oas"]\n')
        run(folder, TOOLS / "spectral", "lint", "--fail-severity=warn", "--ruleset=spectral.yaml", "openapi.json")
        run(folder, TOOLS / "redocly", "lint", "openapi.json")
        python(folder, samples())
        typescript(folder, samples())
    print("Linters find nothing wrong, and every sample fits the types that the generators make.")


def samples():
    """Component → values that it must take: the sample payload, and the answers to try."""
    from openedx_webhooks import catalog
    from openedx_webhooks.operations import schema
    from openedx_webhooks.payloads.samples import sample_payload

    found = {known.name: [sample_payload(known)] for known in (*catalog.events().values(), *catalog.filters().values())}
    answers = {f"{known.name}Answer": [*schema.sample_answers(known).values()] for known in catalog.filters().values()}
    return found | answers


def run(folder, *command):
    """What is wrong is shown, and ends this."""
    print(">", *(Path(part).name for part in command[:2]), flush=True)
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout[-8000:] + done.stderr[-8000:])


def python(folder, values):
    """Pydantic models, by datamodel-code-generator."""
    options = ["--input-file-type=openapi", "--output-model-type=pydantic_v2.BaseModel", "--formatters=builtin"]
    generator = Path(sys.argv[1]).absolute().parent / "datamodel-codegen"
    run(folder, generator, *options, "--input=openapi.json", "--output=models.py")
    (folder / "samples.json").write_text(json.dumps(values), encoding="utf-8")
    (folder / "fit.py").write_text(FIT, encoding="utf-8")
    run(folder, Path(sys.argv[1]).absolute(), "fit.py")


FIT = """
import json, models
for name, values in json.load(open("samples.json")).items():
    model = getattr(models, name.replace("_", ""))  # SESSION_LOGIN_COMPLETED becomes SESSIONLOGINCOMPLETED
    for value in values:
        model.model_validate_json(json.dumps(value))
"""


def typescript(folder, values):
    """Types, by openapi-typescript; whether they fit says the compiler."""
    run(folder, TOOLS / "openapi-typescript", "openapi.json", "--output=hooks.ts")
    lines = ['import type { components } from "./hooks";', 'type Schemas = components["schemas"];']
    for name, each in values.items():
        lines += [f'export const {name}_{index}: Schemas["{name}"] = {json.dumps(value)};'
                  for index, value in enumerate(each)]  # fmt: skip
    (folder / "samples.ts").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(folder, TOOLS / "tsc", "--noEmit", "--strict", "--skipLibCheck", "samples.ts")


if __name__ == "__main__":
    main()
