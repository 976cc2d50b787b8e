// A worker for Node: one library in one configuration, told what to time in the same words as worker.py.
// node node.mjs SUBJECT SCENES PACKAGES, then one JSON request a line on standard input.

import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [subject, scenesPath, packages] = process.argv.slice(2);
const require = createRequire(join(packages, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)));

// Each returns the documented call for signature, expiry, issuer and audience; the key is read once, before.
const SUBJECTS = {
  async "jose"(scene) {
    const { importJWK, jwtVerify } = await load("jose");
    const key = await importJWK(scene.jwks.keys[0], scene.algorithm);
    const options = {
      algorithms: [scene.algorithm], issuer: scene.issuers[0], audience: scene.audience, requiredClaims: ["exp"],
    };
    return { waits: true, verify: (token) => jwtVerify(token, key, options) };
  },
  "fast-jwt": (scene) => fastJwt(scene, false),
  "fast-jwt-cache": (scene) => fastJwt(scene, true),
  async "aws-jwt-verify"(scene) {
    const { JwtVerifier } = require("aws-jwt-verify");
    const issuer = scene.issuers[0];
    const verifier = JwtVerifier.create({ issuer, audience: scene.audience, jwksUri: `${issuer}/keys` });
    verifier.cacheJwks(scene.jwks);
    return { waits: false, verify: (token) => verifier.verifySync(token) };
  },
};

function fastJwt(scene, cache) {
  const { createVerifier } = require("fast-jwt");
  const key = createPublicKey({ key: scene.jwks.keys[0], format: "jwk" }).export({ type: "spki", format: "pem" });
  const verify = createVerifier({
    key, cache, algorithms: [scene.algorithm], allowedIss: scene.issuers[0], allowedAud: scene.audience,
    requiredClaims: ["exp"],
  });
  return { waits: false, verify };
}

// Equal strings that nobody has seen before: made anew for every lap, outside the time.
const fresh = (raw) => raw.map((bytes) => bytes.toString("latin1"));

// Microseconds of the processor's time that the process took, in all its threads, as in jobs.py.
async function lap({ verify, waits, raw }) {
  const tokens = fresh(raw);
  const started = process.cpuUsage();
  if (waits) for (const token of tokens) await verify(token);
  else for (const token of tokens) verify(token);
  const { user, system } = process.cpuUsage(started);
  return (user + system) / tokens.length;
}

async function trials({ verify, scene }) {
  const cases = [...scene.tokens.map((token) => ["good", token]), ...Object.entries(scene.bad)];
  const tried = [];
  for (const [name, token] of cases) {
    try {
      await verify(token);
      tried.push({ case: name, accepted: true, said: "" });
    } catch (error) {
      tried.push({ case: name, accepted: false, said: String(error.code ?? error.name) });
    }
  }
  return tried;
}

async function answer(job, request) {
  if (request.do === "prove") return await trials(job);
  await lap(job); // the processor's caches are those of the worker that ran before
  const laps = [];
  for (let n = 0; n < request.laps; n += 1) laps.push(await lap(job));
  return laps;
}

const scenes = JSON.parse(readFileSync(scenesPath, "utf8"));
const jobs = {};
for (const name of ["RS256", "ES256", "EdDSA"]) {
  const raw = scenes[name].tokens.map((token) => Buffer.from(token, "latin1"));
  jobs[name] = { ...(await SUBJECTS[subject](scenes[name])), scene: scenes[name], raw };
}
const library = subject.replace(/-cache$/, "");
const { version } = JSON.parse(readFileSync(join(packages, "node_modules", library, "package.json"), "utf8"));
const names = Object.keys(jobs);
console.log(JSON.stringify({ jobs: names, verifying: names, versions: { node: process.version, [library]: version } }));
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  console.log(JSON.stringify(await answer(jobs[request.job], request)));
}
