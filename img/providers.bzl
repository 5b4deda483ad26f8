"""Public providers: what rules of other rulesets can read from targets of this one, and what they can hand to them.

```starlark
load("@rules_img//img:providers.bzl", "LayersInfo")
```
"""

load(
    "//img/private/providers:deploy.bzl",
    _DeployInfo = "DeployInfo",
    _LoadConfigInfo = "LoadConfigInfo",
    _PushConfigInfo = "PushConfigInfo",
)
load("//img/private/providers:image.bzl", _ImageIndexInfo = "ImageIndexInfo", _ImageManifestInfo = "ImageManifestInfo")
load("//img/private/providers:layer.bzl", _LayersInfo = "LayersInfo", _SingleLayerInfo = "SingleLayerInfo")
load("//img/private/providers:pull.bzl", _PullInfo = "PullInfo")

DeployInfo = _DeployInfo
ImageIndexInfo = _ImageIndexInfo
ImageManifestInfo = _ImageManifestInfo
LayersInfo = _LayersInfo
LoadConfigInfo = _LoadConfigInfo
PullInfo = _PullInfo
PushConfigInfo = _PushConfigInfo
SingleLayerInfo = _SingleLayerInfo
