"""The formats: which files each has beside the common ones."""

from __future__ import annotations

from collections.abc import Mapping

# In every folder. Path -> template.
COMMON = {
    "README.md": "README.md.j2",
    "src/nest_model.h": "nest_model.h.j2",
    "src/nest_model_data.cpp": "nest_model_data.cpp.j2",
    "src/nest_ops.h": "nest_ops.h.j2",
}

# Format -> path -> template; {name} is the package's name.
FORMATS: Mapping[str, Mapping[str, str]] = {
    "cmake": {
        "CMakeLists.txt": "cmake/CMakeLists.txt.j2",
        "example/main.cpp": "cmake/main.cpp.j2",
    },
    "arduino": {
        "library.properties": "arduino/library.properties.j2",
        "examples/{name}/{name}.ino": "arduino/sketch.ino.j2",
    },
    "platformio": {
        "library.json": "platformio/library.json.j2",
        "examples/basic/platformio.ini": "platformio/platformio.ini.j2",
        "examples/basic/src/main.cpp": "platformio/main.cpp.j2",
    },
    "esp-idf": {
        "CMakeLists.txt": "esp_idf/CMakeLists.txt.j2",
        "idf_component.yml": "esp_idf/idf_component.yml.j2",
        "examples/basic/CMakeLists.txt": "esp_idf/project.txt.j2",
        "examples/basic/sdkconfig.defaults": "esp_idf/sdkconfig.defaults.j2",
        "examples/basic/main/CMakeLists.txt": "esp_idf/main.txt.j2",
        "examples/basic/main/main.cpp": "esp_idf/main.cpp.j2",
    },
    "zephyr": {
        "zephyr/module.yml": "zephyr/module.yml.j2",
        "CMakeLists.txt": "zephyr/CMakeLists.txt.j2",
        "Kconfig": "zephyr/Kconfig.j2",
        "samples/basic/CMakeLists.txt": "zephyr/sample.txt.j2",
        "samples/basic/prj.conf": "zephyr/prj.conf.j2",
        "samples/basic/sample.yaml": "zephyr/sample.yaml.j2",
        "samples/basic/src/main.cpp": "zephyr/main.cpp.j2",
    },
}
