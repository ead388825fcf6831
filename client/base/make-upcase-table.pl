#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Writes upcase-table.h from the Unicode data that this perl carries: the simple
# upper-case mapping (UnicodeData.txt, field 12) of every code point, as a table
# in two stages. Run by hand, once: the output is checked in and stays as it is,
# since a newer Unicode could make two stored names one.
#
#   perl client/base/make-upcase-table.pl > client/base/upcase-table.h
use strict;
use warnings;
use Unicode::UCD qw(prop_invmap);

my $block_size = 256;
my ($starts, $maps, $format, $default) = prop_invmap('Simple_Uppercase_Mapping');
die "unexpected format $format" unless $format eq 'a' && $default == 0;

my %upper;
for my $i (0 .. $#$starts) {
    next if $maps->[$i] == $default;
    my $end = $i < $#$starts ? $starts->[$i + 1] : 0x110000;
    $upper{$_} = $maps->[$i] + $_ - $starts->[$i] for $starts->[$i] .. $end - 1;
}
my ($last) = sort { $b <=> $a } keys %upper;

my (@stage_one, @blocks, %seen);
for my $block (0 .. int($last / $block_size)) {
    my @deltas = map { my $code = $block * $block_size + $_; ($upper{$code} // $code) - $code } 0 .. $block_size - 1;
    my $text = join ',', @deltas;
    if (!exists $seen{$text}) {
        $seen{$text} = @blocks;
        push @blocks, \@deltas;
    }
    push @stage_one, $seen{$text};
}

sub rows {
    my ($per_row, @numbers) = @_;
    my $out = '';
    while (my @row = splice @numbers, 0, $per_row) {
        $out .= '    ' . join(', ', @row) . ",\n";
    }
    return $out;
}

printf "/* Simple upper-case mapping of Unicode %s. Made by make-upcase-table.pl, and\n", Unicode::UCD::UnicodeVersion();
print " * pinned: see there. UPCASE_BLOCKS[block of 256 code points] is a row of\n";
print " * UPCASE_DELTAS, what to add to a code point to get its upper case. */\n";
print "/* clang-format off */\n";
print "#ifndef REGISTRY_BASE_UPCASE_TABLE_H\n#define REGISTRY_BASE_UPCASE_TABLE_H\n\n#include <glib.h>\n\n";
printf "#define UPCASE_UNICODE_VERSION \"%s\"\n", Unicode::UCD::UnicodeVersion();
printf "#define UPCASE_LIMIT 0x%XU /* code points from here on have no upper case */\n\n", @stage_one * $block_size;
printf "static const guint8 UPCASE_BLOCKS[%d] = {\n%s};\n\n", scalar @stage_one, rows(24, @stage_one);
printf "static const gint32 UPCASE_DELTAS[%d][%d] = {\n", scalar @blocks, $block_size;
print "  {\n", rows(16, @$_), "  },\n" for @blocks;
print "};\n\n#endif\n";
