rule batch_obfuscated : script evasion {
  meta:
    description = "A batch file whose commands are cut into pieces so that nobody can read them"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/010/"
    attack = "T1027.010"
    date = "2026-11-22"
  strings:
    $mark = /(@?echo\s{1,4}off|setlocal|cmd(\.exe)?\s{1,4}\/[ck]\b|%comspec%)/ nocase
    // %name:~3,1% takes one letter out of a variable.
    $letter = /%[^%\r\n ]{1,40}:~-?[0-9]{1,4},1%/
    // c^m^d is cmd.
    $caret = /[a-z]\^[a-z]\^[a-z]\^[a-z]\^/ nocase
    $sum = /set\s{1,4}\/a\s{1,4}[^\r\n]{1,80}[\^%*+-]/ nocase
    $build = /set\s{1,4}"?[^\s=]{1,40}=%[^\r\n]{0,80}%%[^\r\n]{1,80}%/ nocase

  condition:
    $mark and (#letter >= 25 or #caret >= 8 or (#sum >= 25 and #build >= 10)) and filesize < 2MB
    and part_role != "message" and part_role != "body"
}
