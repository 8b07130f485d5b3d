#!/usr/bin/perl

# Echo server on top of Protocol::WebSocket: hixie-76 and hixie-75, as the client asks.
# `order: close` is done, not echoed.

use strict;
use warnings;

use Getopt::Long;
use IO::Socket::INET;
use Protocol::WebSocket::Handshake::Server;

my $port = 0;
GetOptions('port=i' => \$port) or exit 2;

my $listener = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 16, ReuseAddr => 1
) or die "cannot listen: $@\n";
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
$| = 1;
print 'listening on ', $listener->sockport, "\n";

while (my $socket = $listener->accept) {
    my $pid = fork;
    die "cannot fork: $!\n" unless defined $pid;
    next if $pid;
    serve($socket);
    exit 0;
}

sub serve {
    my ($socket) = @_;
    my $handshake = Protocol::WebSocket::Handshake::Server->new;
    until ($handshake->is_done) {
        sysread($socket, my $bytes, 65536) or return;
        unless ($handshake->parse($bytes)) {
            warn 'handshake: ', $handshake->error, "\n";
            return;
        }
    }
    my $subprotocol = $handshake->req->subprotocol;
    $handshake->res->subprotocol($subprotocol) if defined $subprotocol;
    send_all($socket, $handshake->to_string) or return;

    my $frame = $handshake->build_frame;
    while (sysread $socket, my $bytes, 65536) {
        $frame->append($bytes);
        while (defined(my $message = $frame->next_bytes)) {
            if ($frame->is_close || $message eq 'order: close') {
                # In hixie-75 that means nothing: there the end of the stream is the only one.
                send_all($socket, $handshake->build_frame(type => 'close')->to_bytes);
                return;
            }
            send_all($socket, $handshake->build_frame(buffer => $message)->to_bytes) or return;
        }
    }
}

sub send_all {
    my ($socket, $bytes) = @_;
    my $sent = 0;
    while ($sent < length $bytes) {
        my $written = syswrite $socket, $bytes, length($bytes) - $sent, $sent;
        return 0 unless defined $written;
        $sent += $written;
    }
    return 1;
}
