rule onenote_embedded_program : document dropper {
  meta:
    description = "The OneNote section holds a program, script, shortcut or help file"
    severity = "critical"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    // FileDataStoreObject: its id, length, two reserved fields, then the file.
    $binary = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [20] (4D 5A ?? 00 | 4C 00 00 00 01 14 02 00 | 49 54 53 46 03 00) }
    $script = /\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac.{20}.{0,800}(<hta:application|<script|wscript\.|powershell|@echo off|<job|#@~\^|createobject)/s nocase

  condition:
    uint32be(0) == 0xE4525C7B and any of them
}
