// A certified OpenID provider (oidc-provider) on a free port of loopback: client credentials by secret and by private
// key, refresh tokens that rotate. Prints {"url": …, "secret": …, "keys": {ALGORITHM: PEM}} when it listens.
// GET /in-force?token=… tells whether a token is in force, /issued how many were given, /refresh-token gives one.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import Provider from 'oidc-provider';

const seconds = Number(process.argv[2] ?? 600);
const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;

// Secrets with characters that Basic authentication has to form-encode (RFC 6749, 2.3.1).
const secret = 'p%ss word+&:=/ with 20 or more';
const client = (client_id, token_endpoint_auth_method, more = { client_secret: secret }) => ({
  client_id, token_endpoint_auth_method, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], ...more,
});
const pairs = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
};
const signer = (algorithm) => client(`signs-${algorithm}`, 'private_key_jwt', {
  token_endpoint_auth_signing_alg: algorithm,
  jwks: { keys: [{ ...pairs[algorithm].publicKey.export({ format: 'jwk' }), kid: `key-${algorithm}`, use: 'sig', alg: algorithm }] },
});
const provider = new Provider(url, {
  clients: [
    client('count:sign basic', 'client_secret_basic'), client('countersign-body', 'client_secret_post'),
    ...Object.keys(pairs).map(signer),
    client('refreshes', 'client_secret_post', {
      client_secret: secret, grant_types: ['refresh_token', 'authorization_code'], response_types: ['code'],
      redirect_uris: ['https://countersign.example/back'],
    }),
  ],
  findAccount: (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
  rotateRefreshToken: true,
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    devInteractions: { enabled: false },
  },
  scopes: ['openid', 'offline_access', 'orders:read', 'orders:write'],
  ttl: { ClientCredentials: seconds },
  jwks: undefined,
});
let issued = 0;
provider.on('client_credentials.saved', () => { issued += 1; });
provider.on('access_token.saved', () => { issued += 1; });
// What a person's consent in a browser would leave behind.
async function refreshToken() {
  const grant = new provider.Grant({ accountId: 'buyer', clientId: 'refreshes' });
  grant.addOIDCScope('openid offline_access');
  const token = new provider.RefreshToken({
    accountId: 'buyer', client: await provider.Client.find('refreshes'), grantId: await grant.save(),
    scope: 'openid offline_access', gty: 'authorization_code',
  });
  return token.save();
}
const callback = provider.callback();
server.on('request', async (request, response) => {
  const at = new URL(request.url, url);
  if (at.pathname === '/issued') {
    return response.setHeader('content-type', 'application/json').end(JSON.stringify({ issued }));
  }
  if (at.pathname === '/refresh-token') return response.end(await refreshToken());
  if (at.pathname === '/in-force') {
    const text = at.searchParams.get('token') ?? '';
    const token = await provider.ClientCredentials.find(text) ?? await provider.AccessToken.find(text);
    return response.setHeader('content-type', 'application/json').end(JSON.stringify({ active: Boolean(token && !token.isExpired), scope: token?.scope ?? null }));
  }
  return callback(request, response);
});
const keys = Object.fromEntries(Object.entries(pairs).map(([algorithm, pair]) => [algorithm, pair.privateKey.export({ format: 'pem', type: 'pkcs8' })]));
console.log(JSON.stringify({ url, secret, keys }));
// Nobody reads on: the provider's notices would end the process.
console.info = console.log = () => {};
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
