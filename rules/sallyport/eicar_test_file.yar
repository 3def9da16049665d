rule eicar_test_file : test {
  meta:
    description = "The file is the EICAR test file, which every scanner has to find"
    severity = "critical"
    author = "Sallyport"
    reference = "https://www.eicar.org/download-anti-malware-testfile/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    $eicar = { 58 35 4F 21 50 25 40 41 50 5B 34 5C 50 5A 58 35 34 28 50 5E 29 37 43 43 29 37 7D 24 45 49 43 41 52 2D 53 54 41 4E 44 41 52 44 ?? 41 4E 54 49 }

  condition:
    // By definition it is the whole file but for blanks; a byte order mark is what editors add.
    filesize < 256 and $eicar in (0..3)
}
