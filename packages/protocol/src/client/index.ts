export { answerError } from './answer-error.ts'
export {
  type Answer,
  type Client,
  type ClientOptions,
  createClient,
  type RequestOptions,
} from './client.ts'
export {
  type ConnectOptions,
  connectionError,
  connectPinned,
  type PeerCertificate,
  peerCertificate,
} from './connect.ts'
export { fingerprintsOf, parsePin, pinMatches } from './pin.ts'
