#!/usr/bin/perl

# Client on top of Protocol::WebSocket, 76 or 75: opens, sends each message, waits for its
# echo, closes, and tells what it saw as one JSON object a line.

use strict;
use warnings;

use Getopt::Long;
use IO::Socket::INET;
use JSON::PP;
use Protocol::WebSocket::Handshake::Client;

my %DRAFTS = (76 => 'draft-ietf-hybi-00', 75 => 'draft-hixie-75');
my $PATIENCE = 20;

my ($url, $version, $subprotocol, $origin, @messages);
$version = 76;
GetOptions(
    'url=s'         => \$url,
    'version=i'     => \$version,
    'subprotocol=s' => \$subprotocol,
    'origin=s'      => \$origin,
    'message=s'     => \@messages,
) or exit 2;
die "--url is needed\n" unless defined $url;
die "--version is 75 or 76\n" unless $DRAFTS{$version};

my $json = JSON::PP->new->ascii->canonical;
$| = 1;
$SIG{ALRM} = sub { die "nothing came for $PATIENCE s\n" };

my ($host, $port) = $url =~ m{^ws://([^:/]+):(\d+)} or die "a URL with a port is needed: $url\n";
my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port)
    or die "cannot connect to $host:$port: $@\n";

my $handshake = Protocol::WebSocket::Handshake::Client->new(
    url => $url, version => $DRAFTS{$version}
);
$handshake->req->subprotocol($subprotocol) if defined $subprotocol;
$handshake->req->origin($origin)           if defined $origin;
send_all($handshake->to_string);

my $left = '';
until ($handshake->is_done) {
    my $bytes = receive();
    die "the connection ended in the handshake\n" unless defined $bytes;
    $handshake->parse($bytes) or die 'handshake: ', $handshake->error, "\n";
    # parse() takes what it needs out of its argument: frames that came along stay in it.
    $left = $bytes;
}
report(
    'open',
    location    => $handshake->res->location,
    origin      => $handshake->res->origin,
    subprotocol => $handshake->res->subprotocol,
);

my $frames = $handshake->build_frame;
$frames->append($left);
for my $message (@messages) {
    send_all($handshake->build_frame(buffer => $message)->to_bytes);
    my $echo;
    until (defined($echo = $frames->next)) {
        my $bytes = receive();
        die "the connection ended before an echo\n" unless defined $bytes;
        $frames->append($bytes);
    }
    report('message', text => $echo);
}

# hixie-75 has no closing handshake: its client just goes.
if ($version == 76) {
    send_all($handshake->build_frame(type => 'close')->to_bytes);
    my $answer = '';
    while (defined(my $bytes = receive())) {
        $answer .= $bytes;
    }
    report('close', answer => unpack 'H*', $answer);
}
else {
    report('close', answer => '');
}

sub report {
    my ($event, %fields) = @_;
    print $json->encode({event => $event, %fields}), "\n";
}

sub receive {
    alarm $PATIENCE;
    my $count = sysread $socket, my $bytes, 65536;
    alarm 0;
    return $count ? $bytes : undef;
}

sub send_all {
    my ($bytes) = @_;
    my $sent = 0;
    while ($sent < length $bytes) {
        my $written = syswrite $socket, $bytes, length($bytes) - $sent, $sent;
        die "cannot send: $!\n" unless defined $written;
        $sent += $written;
    }
}
