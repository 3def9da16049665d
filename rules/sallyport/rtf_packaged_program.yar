rule rtf_packaged_program : document dropper {
  meta:
    description = "The RTF document carries a packaged file with the extension of a program or script"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    $rtf = "{\\rt"
    $data = "\\objdata"
    // "Package\0", then an extension and its final zero, in the hexadecimal of \objdata.
    $package = "5061636b61676500" nocase
    $extension = /2e([46]5[57]8[46]5|[57]3[46]3[57]2|[46]a[57]3|[46]a[57]3[46]5|[57]6[46]2[57]3|[57]6[46]2[46]5|[46]2[46]1[57]4|[46]3[46]d[46]4|[46]8[57]4[46]1|[46]c[46]e[46]b|[57]0[57]331|[57]7[57]3[46]6|[57]3[46]3[57]4|[57]0[46]9[46]6)00/ nocase

  condition:
    $rtf in (0..64) and $data and $package and $extension
}
