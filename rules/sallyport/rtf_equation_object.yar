rule rtf_equation_object : document exploit {
  meta:
    description = "The RTF document holds an object of the old equation editor, which Office no longer has for its holes"
    severity = "medium"
    author = "Sallyport"
    reference = "https://nvd.nist.gov/vuln/detail/CVE-2017-11882"
    attack = "T1203"
    date = "2026-11-22"
  strings:
    $rtf = "{\\rt"
    $class = /\\objclass\s{1,8}Equation\.[23]/ nocase
    // "Equation.3" and the editor's class id in the hexadecimal of \objdata.
    $name = "4571756174696f6e2e33" nocase
    $id = "02ce020000000000c000000000000046" nocase

  condition:
    $rtf in (0..64) and any of ($class, $name, $id)
}
