export declare function isInstalled(program: string): boolean
export declare function setup(): void
