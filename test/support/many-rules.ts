/** Rules of the shapes that public collections have, as many as wanted. */
const shapes: readonly ((i: number) => string)[] = [
  (i) => `strings: $a = "invoice${i}" nocase $b = "powershell" wide ascii condition: #b > ${i % 3} and not $a`,
  (i) => `strings: $a = { 4D 5A ?? [0-${i % 40}] 0? ${(i % 256).toString(16).padStart(2, "0")} } condition: $a`,
  (i) => `strings: $a = /pass[a-z]{2,${4 + (i % 4)}}\\s(http|docu)/ condition: $a in (0..${i * 40})`,
  (i) => `strings: $a = "sallyport" $b = "quick" condition: $a and $b and @a[1] > @b[1] + ${i}`,
  (i) => `condition: uint16(0) == 0x5a4d and uint32(uint32(0x3c)) == 0x4550 and filesize > ${i * 10}`,
  (i) => `condition: pe.is_pe and (pe.number_of_sections == ${i % 4} or pe.characteristics & pe.DLL != 0)`,
  (i) => `condition: math.entropy(0, filesize) > ${(i % 8) + 0.5} and filesize > ${i}`,
  (i) => `strings: $a = "CreateObject" xor(1-${1 + (i % 200)}) $b = "http://" base64 condition: any of them`,
  (i) => `condition: filename matches /${i % 10}\\.(exe|scr)$/i or extension == ".e${i}"`,
  (i) => `strings: $a = "document" $b = "AAAA" condition: for any n in (1..#b) : (@b[n] == ${i}) or $a at ${i}`,
  (i) => `condition: hash.crc32(0, ${i}) % 3 == 0 and elf.type != elf.ET_EXEC`,
  (i) => `condition: string.length(filename) > ${i % 30} and not (filename contains "x")`,
];

const imports = '/* shapes of public rules */ import "pe" import "elf" import "math" import "hash" import "string"\n';

export const manyRules = (count: number): string =>
  imports +
  Array.from({ length: count }, (_, i) => {
    const meta = `meta: author = "none" score = ${(i * 7) % 101} description = "Rule number ${i}"`;
    return `rule made_${i} : made t${i % 5} { ${meta} ${shapes[i % shapes.length]?.(i)} }`;
  }).join("\n");
