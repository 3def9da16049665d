rule sfx_runs_program : program dropper {
  meta:
    description = "The self-extracting archive runs what it holds without asking"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    $seven_zip = ";!@Install@!UTF-8!"
    $run = /(RunProgram|ExecuteFile|AutoInstall)\s{0,4}=\s{0,4}"/
    $quiet = /(GUIMode\s{0,4}=\s{0,4}"[12]"|Progress\s{0,4}=\s{0,4}"no"|hidcon:|nowait:)/
    // The comment of a RAR archive that unpacks itself.
    $setup = /\nSetup=[^\r\n]{1,200}/
    $silent = /\nSilent=[12]/

  condition:
    uint16(0) == 0x5A4D and (($seven_zip and $run and $quiet) or ($setup and $silent))
}
