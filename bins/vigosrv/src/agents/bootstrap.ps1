# Makes this machine an envoy of a fleet: fetches the agent, compares it with the digest below, has it enrol, install
# itself and start. Whatever is refused leaves nothing behind.
#
#   $env:VIGO_TOKEN, or $env:VIGO_TOKEN_FILE   the token that `vigocli tokens create` printed, or a file with it
#   --hostname NAME, at the end of the line    arguments for `vigo bootstrap`

function Invoke-VigoBootstrap {
    $ErrorActionPreference = 'Stop'
    $https = @HTTPS@
    $pin = @PIN@
    $agents = @{
        @TARGETS@
    }

    $own = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
    if (-not $own.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        throw 'only an administrator can install the agent: run PowerShell as one'
    }

    $kind = $env:PROCESSOR_ARCHITECTURE
    if ($env:PROCESSOR_ARCHITEW6432) { $kind = $env:PROCESSOR_ARCHITEW6432 }
    $arch = @{ AMD64 = 'x86_64'; ARM64 = 'aarch64'; X86 = 'i686' }[$kind]
    $agent = $agents["windows-$arch"]
    if (-not $agent) {
        $known = @KNOWN@
        throw "this server has no agent for windows-$arch; it has: $known. On the server: vigocli server agents add FILE"
    }
    $sha256, $manifest = $agent

    # Nobody but administrators writes there: a library that lies beside a program is part of it.
    $dir = Join-Path ([Environment]::GetFolderPath('ProgramFiles')) "vigo-$([guid]::NewGuid())"
    $program = Join-Path $dir 'vigo.exe'
    $url = "https://$https/bootstrap/binary/windows-$arch"
    $curl = Join-Path ([Environment]::SystemDirectory) 'curl.exe'
    New-Item -ItemType Directory -Path $dir | Out-Null
    try {
        foreach ($try in 1..5) {
            # The server's key is pinned, and what is fetched is compared with its digest.
            & $curl --pinnedpubkey $pin -sSfk -o $program $url
            if ($LASTEXITCODE -eq 0) { break }
            if ($LASTEXITCODE -eq 90) {
                throw "the server at $https has another key than the pinned one: it is another server, or somebody is between"
            }
            if ($try -eq 5) { throw "the agent could not be fetched from $url" }
            Start-Sleep -Seconds (2 * $try)
        }
        $found = (Get-FileHash -Algorithm SHA256 -LiteralPath $program).Hash
        if ($found -ne $sha256) {
            throw "the agent from $url has SHA-256 $found, expected ${sha256}: it was changed on the server or on the way"
        }
        & $program bootstrap@SERVERS@ --root-key @ROOT_KEY@ --ca-sha256 @CA_SHA256@ --manifest $manifest @args
        if ($LASTEXITCODE -ne 0) { throw "the agent ended with exit code $LASTEXITCODE" }
    } finally {
        Remove-Item -Recurse -Force -LiteralPath $dir
        Remove-Item -Path Env:VIGO_TOKEN -ErrorAction SilentlyContinue
    }
}

Invoke-VigoBootstrap @args
