// Makes the PNG and ICO files from icon.svg: `node make.mjs` in this folder; needs rsvg-convert (librsvg2-bin).
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const png = (size) => execFileSync("rsvg-convert", ["-w", String(size), "-h", String(size), "icon.svg"]);

for (const [name, size] of [["32x32", 32], ["128x128", 128], ["128x128@2x", 256], ["icon", 512]]) {
  writeFileSync(`${name}.png`, png(size));
}

// An ICO file is a directory of pictures; since Windows Vista they may be PNG.
const pictures = [16, 24, 32, 48, 64, 256].map((size) => ({ size, data: png(size) }));
const head = Buffer.alloc(6 + 16 * pictures.length);
head.writeUInt16LE(1, 2);
head.writeUInt16LE(pictures.length, 4);
let offset = head.length;
pictures.forEach(({ size, data }, i) => {
  const at = 6 + 16 * i;
  head.writeUInt8(size % 256, at);
  head.writeUInt8(size % 256, at + 1);
  head.writeUInt16LE(1, at + 4);
  head.writeUInt16LE(32, at + 6);
  head.writeUInt32LE(data.length, at + 8);
  head.writeUInt32LE(offset, at + 12);
  offset += data.length;
});
writeFileSync("icon.ico", Buffer.concat([head, ...pictures.map((p) => p.data)]));
console.log(`icon.ico: ${readFileSync("icon.ico").length} bytes`);
