// The oidc-provider that the end-to-end tests talk to: `node server.mjs CONFIG.json [add-keys|replace-keys]`.
//
// Knows oidc-provider's configuration. Must not know bearergate, nor which tests there are: people, clients and
// resources come from the configuration file that provider.py writes.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

import Provider, { errors } from 'oidc-provider';

const KEY_TYPES = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
  Ed25519: ['ed25519', {}],
};
const INTERACTION_PATH = '/interaction/';

const [configFile, keyChange] = process.argv.slice(2);
const config = JSON.parse(readFileSync(configFile, 'utf8'));
const keys = signingKeys(config.keysFile, keyChange);
const provider = new Provider(config.issuer, configuration(keys));
const answer = provider.callback();

createServer((request, response) => {
  if (request.url.startsWith(INTERACTION_PATH)) {
    logIn(request, response).catch((error) => response.writeHead(500).end(String(error)));
  } else {
    answer(request, response);
  }
}).listen(config.port, '127.0.0.1');

// The newest keys come first. They are kept in a file so that a restart without a change signs as before.
function signingKeys(file, change) {
  const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
  if (known.length > 0 && change === undefined) return known;
  const changed = [...Object.keys(KEY_TYPES).map(newKey), ...(change === 'add-keys' ? known : [])];
  writeFileSync(file, JSON.stringify(changed), { mode: 0o600 });
  return changed;
}

function newKey(alg) {
  const { privateKey } = generateKeyPairSync(...KEY_TYPES[alg]);
  const kid = `${alg.toLowerCase()}-${randomBytes(6).toString('hex')}`;
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid };
}

function configuration(signingJwks) {
  return {
    clients: config.clients,
    jwks: { keys: signingJwks },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    // The scopes' claims belong into the ID token too, as most providers do it.
    conformIdTokenClaims: false,
    ttl: { IdToken: config.tokenSeconds },
    interactions: { url: (_ctx, interaction) => `${INTERACTION_PATH}${interaction.uid}` },
    findAccount,
    extraTokenClaims: (_ctx, token) => (token.accountId ? { groups: config.people[token.accountId].groups } : {}),
    loadExistingGrant: grantEverything,
    // A page is of no use to a test; the reason is.
    renderError: (ctx, reason) => { ctx.body = reason; },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer, useGrantedResource: () => true },
    },
  };
}

function resourceServer(_ctx, indicator) {
  const resource = config.resources[indicator];
  if (resource === undefined) throw new errors.InvalidTarget(`${indicator} is not a resource here`);
  const kid = keys.find((key) => key.alg === resource.alg).kid;
  return {
    audience: indicator,
    scope: resource.scope,
    accessTokenFormat: 'jwt',
    accessTokenTTL: config.tokenSeconds,
    jwt: { sign: { alg: resource.alg, kid } },
  };
}

function findAccount(_ctx, accountId) {
  const person = config.people[accountId];
  return person && { accountId, claims: () => ({ sub: accountId, ...person }) };
}

// Nobody sits in front of a browser: whoever login_hint names is logged in without a question.
async function logIn(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const result = config.people[params.login_hint]
    ? { login: { accountId: params.login_hint } }
    : { error: 'access_denied', error_description: `nobody is called ${params.login_hint}` };
  await provider.interactionFinished(request, response, result);
}

async function grantEverything(ctx) {
  const { client, session, params } = ctx.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  for (const [indicator, { scope }] of Object.entries(config.resources)) grant.addResourceScope(indicator, scope);
  await grant.save();
  return grant;
}
