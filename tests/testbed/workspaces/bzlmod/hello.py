import hashlib
import json
import platform
import sqlite3
import ssl
import subprocess
import tarfile

from library import GREETING

assert all([hashlib, json, sqlite3, ssl, subprocess, tarfile])
print(GREETING, platform.python_version())
