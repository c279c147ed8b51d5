// A certified OpenID provider (oidc-provider) that gives client credentials tokens, on a free port of loopback.
// Prints {"url": …} when it listens. GET /introspected?token=… tells whether a token is in force.
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
const client = (client_id, token_endpoint_auth_method) => ({
  client_id, client_secret: secret, token_endpoint_auth_method,
  grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
});
const provider = new Provider(url, {
  clients: [client('count:sign basic', 'client_secret_basic'), client('countersign-body', 'client_secret_post')],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    devInteractions: { enabled: false },
  },
  scopes: ['orders:read', 'orders:write'],
  ttl: { ClientCredentials: seconds },
  jwks: undefined,
});
let issued = 0;
provider.on('client_credentials.saved', () => { issued += 1; });
const callback = provider.callback();
server.on('request', async (request, response) => {
  const at = new URL(request.url, url);
  if (at.pathname === '/issued') {
    return response.setHeader('content-type', 'application/json').end(JSON.stringify({ issued }));
  }
  if (at.pathname === '/in-force') {
    const token = await provider.ClientCredentials.find(at.searchParams.get('token') ?? '');
    return response.setHeader('content-type', 'application/json').end(JSON.stringify({ active: Boolean(token && !token.isExpired), scope: token?.scope ?? null }));
  }
  return callback(request, response);
});
console.log(JSON.stringify({ url, secret }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
