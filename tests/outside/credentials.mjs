// Checks a licence with npm's jose. Arguments: a folder with jwks.json, issuer, licence.jwt and status.jwt.
import {createLocalJWKSet, jwtVerify} from "jose"
import {readFileSync} from "node:fs"

const read = name => readFileSync(`${process.argv[2]}/${name}`, "utf8")
const keys = createLocalJWKSet(JSON.parse(read("jwks.json")))
const algorithms = ["EdDSA", "ES256"]
const licence = read("licence.jwt")
const {payload} = await jwtVerify(licence, keys, {issuer: read("issuer"), typ: "licence+jwt", algorithms})
const subject = payload.status.status_list.uri
const list = await jwtVerify(read("status.jwt"), keys, {subject, typ: "statuslist+jwt", algorithms})
let refused = 0
for (let n = 0; n < 200; n++) {
  const at = Math.floor(Math.random() * (licence.length - 2))
  const altered = licence.slice(0, at) + (licence[at] === "A" ? "B" : "A") + licence.slice(at + 1)
  await jwtVerify(altered, keys, {typ: "licence+jwt", algorithms}).catch(() => refused++)
}
console.log(JSON.stringify({jwt: payload.sub, bits: list.payload.status_list.bits, refused}))
