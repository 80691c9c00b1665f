/**
 * The `version` in GET /system. Official CLIs pick their URLs by comparing this text, so it must
 * sort after 20190111211123, the last gate (protocol.md 0.1 item 8 and 8.1).
 */
export const RACK_VERSION = '20261123000000'
