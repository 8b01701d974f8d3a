"""The JSON schema of the configuration: python -m gravispec.config > workflow/schemas/config.schema.json."""

import json

from gravispec.config.schema import json_schema

if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=1, ensure_ascii=False))
