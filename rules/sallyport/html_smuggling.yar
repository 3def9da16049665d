rule html_smuggling : web script smuggling {
  meta:
    description = "The page builds a program, archive or disk image in the browser and saves it by itself"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/006/"
    attack = "T1027.006"
    date = "2026-11-22"
  strings:
    $script = /<script[\s>\/]/ nocase
    $decode1 = /\batob\s{0,4}[(\]"']/
    $decode2 = "fromCharCode"
    $decode3 = "charCodeAt"
    $decode4 = "Uint8Array"
    $decode5 = /\bunescape\s{0,4}\(/
    $blob1 = "Blob("
    $blob2 = "File("
    $save1 = "createObjectURL"
    $save2 = /msSave(OrOpen)?Blob/
    $go1 = /\.click\s{0,4}\(/
    $go2 = /msSave(OrOpen)?Blob\s{0,4}\(/
    $go3 = /dispatchEvent\s{0,4}\(\s{0,4}new\s{1,4}MouseEvent/
    $name = /["'`][^"'`\r\n<>:?*]{1,80}\.(zip|iso|img|vhdx?|7z|rar|ace|arj|cab|jse|vbs|vbe|wsf|hta|lnk|url|exe|scr|msi|one|docm|xlsm|xll|chm|cpl|bat|cmd|ps1|jar)["'`]/ nocase
    $download = /download["']?\s{0,4}[,=]\s{0,4}["'`][^"'`\r\n<>]{1,80}\.(js|pdf\.zip|html\.zip)["'`]/ nocase

  condition:
    $script and any of ($decode*) and any of ($blob*) and any of ($save*) and any of ($go*) and any of ($name, $download)
    and part_role != "message" and part_role != "body"
}
