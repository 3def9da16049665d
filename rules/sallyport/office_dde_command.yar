rule office_dde_command : document {
  meta:
    description = "A field or link of the document starts a command interpreter over DDE"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1559/002/"
    attack = "T1559.002"
    date = "2026-11-22"
  strings:
    $word = /instrText[^<>]{0,120}>[^<>]{0,20}DDE(AUTO)?\s[\x09-\x7e]{0,800}(cmd(\.exe)?[\s"'&<\/]|powershell|mshta|wscript|cscript|rundll32|regsvr32|certutil|bitsadmin)/ nocase
    $simple = /fldSimple\s[^<>]{0,60}instr\s{0,4}=\s{0,4}["'][^<>]{0,20}DDE(AUTO)?\s[^<>]{0,400}(cmd(\.exe)?[\s"'&<\/]|powershell|mshta|wscript|cscript|rundll32|regsvr32|certutil|bitsadmin)/ nocase
    $old = /\x13\s{0,4}DDE(AUTO)?\s[^\x13-\x15]{0,300}(cmd(\.exe)?[\s"'\/]|powershell|mshta|wscript|cscript|rundll32|regsvr32|certutil|bitsadmin)/ ascii wide nocase
    $rtf = /\\fldinst[^\r\n]{0,200}DDE(AUTO)?\s[^}]{0,400}(cmd(\.exe)?[\s"'\/\\]|powershell|mshta|wscript|cscript|rundll32|regsvr32|certutil|bitsadmin)/ nocase
    $excel = /dde(Service|Topic)\s{0,8}=\s{0,8}["']([^"'<>]{0,200}[\\\/])?(cmd|powershell|mshta|wscript|cscript|rundll32|regsvr32|certutil)(\.exe)?[\s"']/ nocase

  condition:
    any of them and part_role != "message" and part_role != "body"
}
