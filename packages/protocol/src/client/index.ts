export { answerError } from './answer-error.ts'
export {
  type Answer,
  type Client,
  type ClientOptions,
  type ClientStream,
  createClient,
  type RequestOptions,
  type Seen,
  type StreamOptions,
} from './client.ts'
export {
  type ConnectOptions,
  connectionError,
  connectPinned,
  type PeerCertificate,
  peerCertificate,
} from './connect.ts'
export type { HttpProxy } from './open-tunnel.ts'
export { fingerprintsOf, parsePin, pinMatches } from './pin.ts'
