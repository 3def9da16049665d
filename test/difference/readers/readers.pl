# Amavis' reader, one process for all messages: Perl's MIME::Parser. In and out as readers.py.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use MIME::Parser;

binmode STDIN;
$| = 1;
print "[\"mime-tools\"]\n";

sub quoted { my ($text) = @_; $text =~ s/([^A-Za-z0-9 ._-])/sprintf "\\u%04x", ord $1/ge; return "\"$text\"" }

sub leaves {
    my ($entity, $found) = @_;
    if ($entity->parts) { leaves($_, $found) for $entity->parts; return }
    my $body = $entity->bodyhandle or return;
    my $content = $body->as_string // "";
    my $plain = $content;
    $plain =~ s/\r//g;
    $plain =~ s/^\n+|\n+$//g;
    my $name = eval { $entity->head->recommended_filename } // "";
    my $text = $entity->effective_type =~ m{^text/} && $name eq "" ? quoted($plain) : "null";
    push @$found, sprintf '["%s","%s",%d,%s,%s]', sha256_hex($content), sha256_hex($plain), length $plain,
        quoted(substr $name, 0, 200), $text;
}

while (read(STDIN, my $head, 4) == 4) {
    my $length = unpack "N", $head;
    my $octets = "";
    read(STDIN, $octets, $length - length $octets, length $octets) or last while length $octets < $length;
    my @found;
    eval {
        my $parser = MIME::Parser->new;
        $parser->output_to_core(1);
        $parser->tmp_to_core(1);
        $parser->extract_uuencode(1);
        local $SIG{__WARN__} = sub { };
        leaves($parser->parse_data($octets), \@found);
        1;
    };
    print "{\"mime-tools\":[" . join(",", @found) . "]}\n";
}
