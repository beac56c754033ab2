"""Firmware folders: from a .tflite to what a board's build system takes.

```python
keras_nest.export_firmware(tflite, "firmware", format="cmake")
```
"""

from keras_nest.export.firmware import FirmwareFolder, export_firmware
from keras_nest.export.platforms import FORMATS

__all__ = ["FORMATS", "FirmwareFolder", "export_firmware"]
