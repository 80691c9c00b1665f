export { type BasicCredential, basicHeader, parseBasic } from './basic.ts'
export {
  ERROR_STATUS,
  type ErrorBody,
  type ErrorCode,
  type ErrorDetails,
  errorText,
  KeyrackError,
} from './errors.ts'
export { ExitScanner } from './exit-scanner.ts'
export { fromHeader, toHeader } from './header-text.ts'
export { KEY_GENERATION_HEADER } from './key-generation.ts'
export { type Match, matchRoute, type NormalPath, normalizePath } from './match-route.ts'
export { parseDuration } from './parse-duration.ts'
export { DEPLOY_COMMANDS, type Permission, ROUTES, type Route, route } from './routes.ts'
export {
  EXIT_MARKER,
  errorFrame,
  exitFrame,
  exitWith,
  FRAME_SOCKET_OPTIONS,
  FrameStream,
  type FrameStreamOptions,
  failWith,
} from './stream.ts'
