rule html_payload_in_script : web script smuggling {
  meta:
    description = "A script of the page carries a program, archive, disk image or document in base64 and hands it to the browser"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/006/"
    attack = "T1027.006"
    date = "2026-11-22"
  strings:
    $script = /<script[\s>\/]/ nocase
    // PK, MZ (twice), 7z, Rar!, a compound file, a disk image, a Windows shortcut.
    $payload1 = /["'`]UEsDBB[QA-Z][A-Za-z0-9+\/]{80}/
    $payload2 = /["'`]TV[pqo][A-Za-z0-9+\/]{80}/
    $payload3 = /["'`]N3q8ryccA[A-Za-z0-9+\/]{20}/
    $payload4 = /["'`]UmFyIRoH[A-Za-z0-9+\/]{20}/
    $payload5 = /["'`]0M8R4KGxGuE[A-Za-z0-9+\/]{80}/
    $payload6 = "Q0QwMDEBAA"
    $payload7 = /["'`]TAAAAAEUAgAAAAAAwAAAAAAAAE/
    $use1 = /\batob\s{0,4}[(\]"']/
    $use2 = "createObjectURL"
    $use3 = /msSave(OrOpen)?Blob/

  condition:
    $script and any of ($payload*) and any of ($use*) and part_role != "message" and part_role != "body"
}
